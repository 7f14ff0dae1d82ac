"""OpenTelemetry: where traces go. Nothing here is imported while `OTEL_EXPORTER_OTLP_ENDPOINT` is empty."""
