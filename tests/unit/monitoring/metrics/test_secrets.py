"""Known secrets are planted in requests, and looked for in what Prometheus reads."""

import pytest

pytestmark = pytest.mark.django_db
TOKEN = "a-token-of-prometheus"
SECRETS = {
    "key": "lvq_live_abcdefghijklmnop0123456789abcdef",
    "stripe": "sk_live_abcdefghijklmnop0123456789",
    "password": "hunter22hunter",
    "cookie": "k3yofthesessi0nofsomebody",
    "path": "t0kenOfAResetInAPath",
}


def test_labels_tell_no_secret(client, settings, tmp_path):
    settings.METRICS_TOKEN, settings.KEPT_DIR = TOKEN, tmp_path
    client.cookies["sessionid"] = SECRETS["cookie"]
    asked = (
        f"/accounts/password/reset/key/1-{SECRETS['path']}/?token={SECRETS['path']}",
        f"/{SECRETS['path']}",
        f"/api/v1/{SECRETS['path']}?key={SECRETS['key']}",
        "/api/v1/workflows",
    )
    for path in asked:
        for method in ("GET", SECRETS["stripe"]):
            headers = {"authorization": f"Bearer {SECRETS['key']}", "user-agent": SECRETS["stripe"]}
            client.generic(method, path, headers=headers)
    client.post("/accounts/login/", {"login": SECRETS["stripe"], "password": SECRETS["password"]})
    text = client.get("/metrics", headers={"authorization": f"Bearer {TOKEN}"}).content.decode()
    assert "levqor_http_request_seconds_count" in text
    assert not [name for name, secret in {**SECRETS, "token": TOKEN}.items() if secret in text]
