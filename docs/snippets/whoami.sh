curl -sf -H "X-API-Key: $LEVQOR_API_KEY" "$LEVQOR_API/me"
