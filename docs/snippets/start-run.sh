RUN=$(curl -sf -X POST "$LEVQOR_API/workflows/order-digest/runs" \
  -H "X-API-Key: $LEVQOR_API_KEY" \
  -H "Content-Type: application/json" \
  -H "Idempotency-Key: digest-$(date +%s%N)" \
  -d '{"inputs": {"minimum": 200}}' | python3 -c 'import json, sys; print(json.load(sys.stdin)["id"])')
curl -sf -H "X-API-Key: $LEVQOR_API_KEY" "$LEVQOR_API/runs/$RUN/events?after=0&wait=20"
