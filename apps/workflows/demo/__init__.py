"""What makes a demo work offline: endpoints to call, and example workflows that call them."""
