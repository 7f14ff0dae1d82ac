"""What looks like a secret leaves no text, and plain words stay."""

import pytest

from apps.core.logs import REMOVED
from apps.core.scrubbing import scrub, scrub_data

KEY = "abcdefghijklmnopqrstuvwxyz0123456789"
S = "S3cr3tV4lueXYZ987"
# What people and machines write all day.
PAGE = """\
A password reset was asked for; the authorization was refused and the session ended after 12 minutes.
Session: ended by its owner. signature valid: no
Uses basic authentication or bearer authentication; the token bucket holds 40 tokens, tokens: 40, token_count=1200
GET https://levqor.example.com/api/v1/runs?state=failed&page=2&sort=-created_at took 12.5 ms
see https://registry.example.com/@scope/package and http://[::1]:8080/x@y or https://a.example:8443/u@b, git+ssh://git@github.com/a/b
mail of ada@example.com about org_01m7vv2xh0e14avfxr5vk977ya, 3f0c1c1e-7f1a-4c63-9d55-4ad7d2d5a5f1
apps.workflows.engine.worker: run_01m7vv2xh0e14avfxr5vk977ya step each[0].call ended in 0.25 s
  File "/srv/levqor/apps/workflows/engine/execution.py", line 112, in walk
    result = self.step(call, timeout=call.timeout)
more_than_twelve_letters, are_we_there_yet, half_of_everything, risk-free-and-without-any-charge, skill
idempotency key: order-digest-2026; primary_key=12, cache-key: runs:page:2, monkey=banana
UPDATE runs SET state = 'failed', passed = 12 WHERE id IN (1, 2) AND bypass=1
{"token": null, "count": 3, "name": "Weekly pulse", "value": "12,5", "design": "flat", "author": "ada"}
2026-11-28T09:00:00Z [info] 12:30 @ home, 5 % of 3 = 0.15; a -> b => c <b>bold</b>
https://docs.example.com/webhooks/12345/edit, https://slack.com/help, https://hooks.example.com/a/b/c/d
"""
MISSED = (  # each with a value that must go
    f"POST https://api.telegram.org/bot123456789:AAF{S}abcdefghijklmnopqrst/sendMessage failed",
    f"https://discord.com/api/webhooks/123456789012345678/{S}abcdefghijklmnopqrstuvwxyz",
    f"https://x.webhook.office.com/webhookb2/{S}@aa/IncomingWebhook/bb/cc",
    f"https://hooks.slack.com/workflows/T0/A0/1/{S}abc",
    f"https://hooks.slack.com/triggers/T0/1/{S}",
    f"https://hooks.zapier.com/hooks/catch/1/{S}",
    f'{{"body": "{{\\"password\\": \\"{S}\\"}}"}}',
    f'{{\\\\\\"password\\\\\\": \\\\\\"a b {S}\\\\\\"}}',
    f"redirect=/x%3Fapi_key%3D{S}",
    f"%22password%22%3A%22{S}%22",
    f"client_secret%253D{S}",
    f"client_secret%25253d{S}",
    f"%2522password%2522%253A%2522{S}%2522",
    f"&quot;password&quot;: &quot;{S}&quot;",
    f"<password>{S}</password>",
    f"('password', '{S}')",
    f"(b'x-api-key', b'{S}')",
    f"['Authorization', '{S}']",
    f"password => {S}",
    f"user[password]={S}",
    f"mysql --password {S}",
    f'{{"name": "Authorization", "value": "{S}"}}',
    *(f'{{"key": "password", "{member}": "{S}"}}' for member in ("val", "content", "text")),
    *(
        f"{name}{means}{S}"
        for name in (
            "api-key", "X-Api-Key", "passphrase", "private_key", "access_key", "signing_key", "Pwd", "session",
            "sessionid", "PHPSESSID", "signature", "authorization", "X-Amz-Signature", "AccountKey", "apikey",
        )
        for means in ("=", ": ")
    ),
    f"sv=2022&sig={S}",
    f"X_AUTH={S}",
    f"/cb?key={S}",
    f"/cb?code={S}",
    *(f"Authorization: {scheme} a {S}" for scheme in ("ApiKey", "Bot", "Negotiate", "Bearer", "Token")),
    f'Authorization: Digest username="u", response="{S}"',
    f"Authorization: AWS4-HMAC-SHA256 Credential=AKIA/x, SignedHeaders=host, Signature={S}",
    f'Cookie: a=1; b="x"; sess={S}',
    f"{{'set-cookie': 'sid={S}'}}",
    f"postgres://u:a/{S}@h/db",
    f"postgres://u:a@{S}@h/db",
    f"postgres://u:a?{S}#@h/db",
    f"postgres://u:a'{S}@h/db",
    f"postgres://u:{S * 15}@h/db",
    f"https://{S}@github.com/x.git",
    f"https://a.example/x,https://u:{S}@h/y",
    f"-----BEGIN PGP PRIVATE KEY BLOCK-----\n{S}\n-----END PGP PRIVATE KEY BLOCK-----",
    "-----BEGIN PRIVATE KEY-----\n" + f"{S}\n" * 1000 + "-----END PRIVATE KEY-----",
    f"-----BEGIN RSA PRIVATE KEY-----\n{S}\n" + "x" * 8100,
    f"MII\n{S}\n{S}==\n-----END PRIVATE KEY-----",
    *(f"password=a{mark}{S}" for mark in ",&);]}\"'<"),
    f'password="abc\\"{S}"',
    f'password="""{S}"""',
    f"password={'a' * 2000}{S}",
    f'password="{"a b" * 700}{S}"',
    f"password: |\n  a {S}",
    *(
        f"  secret: {mark}\n    a\n{between}    {S}"
        for mark, between in (("|", ""), (">-", "\n"), ("|2+", " \n"), ("> # x", ""))
    ),
    *(f"password={before}{quote}\na\n{S}{quote}" for before in ("", "rf") for quote in ("'''", '"""')),
    f"password='''\na\n{S}",
    f"Authorization: |2-\r\n    a\r\n    {S}",
    *(f"secret = {opened}\n  'a]',\n  {quote}{S}{quote},\n{closed}"
      for opened, closed in ("[]", "()", "{}") for quote in "'\""),
    f'"credentials": {{\n  "user": "a",\n  "word": "{S}"\n}}',
    f"secret = ['a]', '{S}']",
    f'"token": ["{S}"]',
    f'"password": {{"value": "{S}"}}',
    f"password：{S}",
    f"İ password={S}",
    *(f"password={word}{mark}{S}" for word in ("none", "null", "True", "false") for mark in "-.!:@"),
    *(
        f"{prefix}{S * 2}"
        for prefix in (
            "npm_", "hf_", "shpat_", "dop_v1_", "ya29.", "GOCSPX-", "sk-ant-api03-", "x_lvq_live_", "idsk_live_",
            "pi_123_secret_", "https://ghp_",
        )
    ),
)  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        f"Authorization: Bearer {KEY}",
        f"password={KEY}",
        f'{{"api_key": "{KEY}"}}',
        f"DB_PASSWORD = '{KEY} with spaces'",
        f"X-Api-Key: {KEY}",
        f"sk_live_{KEY}",
        f"rk_test_{KEY}",
        f"whsec_{KEY}",
        f"lvq_live_{KEY}",
        f"ghp_{KEY}",
        f"xoxb-{KEY}",
        f"eyJhbGciOiJIUzI1NiJ9.{KEY}.{KEY}",
        f"postgres://levqor:{KEY}@db/levqor",
        f"redis://:{KEY}@redis/0",
        f"https://hooks.slack.com/services/T00/B00/{KEY}",
        f"bot 123456789:{KEY}",
        f"-----BEGIN RSA PRIVATE KEY-----\n{KEY}\n-----END RSA PRIVATE KEY-----",
    ],
)
def test_secrets_go(text):
    found = scrub(f"It failed: {text} (at nine)")
    assert KEY not in found
    assert REMOVED in found
    assert found.startswith("It failed: ")


@pytest.mark.parametrize(
    "text",
    [
        "Worker w1 has not been seen since 2026-11-28 09:00 UTC.",
        "run_01m7vv2xh0e14avfxr5vk977ya of org_01m7vv2xh0e14avfxr5vk977ya failed at https://levqor.example.com/runs?state=failed",
        "The token bucket is full; 12 secrets are stored.",
        "answered 401: Unauthorized",
        "job weekly_pulse: 14:00 London",
        *PAGE.splitlines(),
        '{"token":null,"count":3,"password":None,"cookie":true}',
        "token=none; token=true&a=1 (secret: false) <token>null</token> [cookie=null]",
        'password: none. {"secret": true\\nis left} token: None, token: none: not set; token: none… and token: null!',
    ],
)
def test_plain_words_stay(text):
    assert scrub(text) == text


@pytest.mark.parametrize("text", MISSED, ids=lambda text: text[:40])
def test_a_value_goes_in_whatever_form_it_is_told(text):
    found = scrub(f"It failed with {text}\nand was tried again.")
    assert S not in found
    assert found.startswith("It failed with "), "what stands before stays"
    assert scrub(found) == found, "once is enough"


def test_keys_of_twilio_go():
    hexadecimal = "0123456789abcdef"
    assert scrub(f"as SK{hexadecimal * 2}, twice") == f"as {REMOVED}, twice"
    for other in (f"TASK{hexadecimal * 2}", f"SK{hexadecimal * 3}", f"SK{hexadecimal}"):
        assert scrub(other) == other


@pytest.mark.parametrize("name", ["AKIA", "ASIA"])
def test_names_of_keys_at_amazon_go(name):
    assert scrub(f"as {name}ABCDEFGHIJKLMNOP") == f"as {REMOVED}"


def test_a_page_of_plain_words_stays():
    assert scrub(PAGE) == PAGE


def test_the_rest_of_a_line_stays():
    assert scrub("GET /a?token=abc&page=2") == f"GET /a?token={REMOVED}&page=2"
    assert scrub("(token=abc, page=2)") == f"(token={REMOVED}, page=2)"
    assert scrub("Server=x;Pwd=abc;Timeout=5") == f"Server=x;Pwd={REMOVED};Timeout=5"
    assert scrub('{"token": "a b", "n": 1}') == f'{{"token": {REMOVED}, "n": 1}}'
    assert scrub("redis://:abc@redis/0") == f"redis://{REMOVED}@redis/0"


@pytest.mark.parametrize(
    ("text", "stays"),
    [
        ("a:\n  token: |\n    b\n\n    c\n\n  next: d\n", "a:\n  token: [removed]\n\n  next: d\n"),
        ("token: >-\n  b\n  c\nnext: d", "token: [removed]\nnext: d"),
        ("x = 1\ntoken = '''b\nc'''\ny = 2", "x = 1\ntoken = [removed]\ny = 2"),
        ("token = [\n  'b',\n  'c',\n]\ny = [3]", "token = [removed]\ny = [3]"),
        ("token (see: [\n a\n]) and\nit's here", "token (see: [\n a\n]) and\nit's here"),
        ("no token: (see\nthe page) there", "no token: [removed]\nthe page) there"),
        ("token: [\nwho doesn't?\n'b'\n]", "token: [removed]\nwho doesn't?\n'b'\n]"),
    ],
)
def test_what_follows_a_value_of_many_lines_stays(text, stays):
    assert scrub(text) == stays


def test_our_own_secrets_go_whatever_they_look_like(settings):
    settings.SECRET_KEY = "plain words of ours"
    settings.ALERT_URLS = ["json://example.com/quiet-path"]
    assert scrub("a plain words of ours b json://example.com/quiet-path c") == f"a {REMOVED} b {REMOVED} c"


def test_data_goes_by_the_names_of_its_members():
    data = {"token": KEY, "list": [f"password={KEY}", {"client_secret": 1}], "n": 5}
    assert scrub_data(data) == {"token": REMOVED, "list": [f"password={REMOVED}", {"client_secret": REMOVED}], "n": 5}


@pytest.mark.parametrize(
    "name", ["X-Api-Key", "passphrase", "private_key", "pwd", "sessionid", "session", "auth", "signature", "AccessKey"]
)
def test_data_and_texts_know_the_same_names(name):
    assert scrub_data({name: S}) == {name: REMOVED}
    assert scrub(f"{name}={S}") == f"{name}={REMOVED}"


def test_data_goes_by_what_it_says_of_itself():
    data = {
        "headers": [{"name": "Authorization", "value": S}, {"name": "Accept", "value": "*/*"}],
        "pairs": [["password", S], ("Accept", "*/*")],
        f"sk_live_{S}": 1,
        "sessions": 5,
        "figure": {"name": "tokens used", "value": 12},
        "design": "flat",
    }
    assert scrub_data(data) == {
        "headers": [{"name": "Authorization", "value": REMOVED}, {"name": "Accept", "value": "*/*"}],
        "pairs": [["password", REMOVED], ["Accept", "*/*"]],
        REMOVED: 1,
        "sessions": 5,
        "figure": {"name": "tokens used", "value": 12},
        "design": "flat",
    }


@pytest.mark.parametrize("name", ["name", "key", "header", "field", "Name", "KEY"])
@pytest.mark.parametrize("value", ["value", "val", "content", "text", "Value"])
def test_data_goes_by_what_a_member_names(name, value):
    assert scrub_data({name: "password", value: [S], "n": 5}) == {name: "password", value: REMOVED, "n": 5}
    assert scrub_data({name: "Weekly", value: "on time"}) == {name: "Weekly", value: "on time"}


@pytest.mark.parametrize("value", [[S], (S, "a"), {"a": S}, [[S]]])
def test_data_goes_by_the_name_before_it_whatever_it_is(value):
    assert scrub_data(["Authorization", value]) == ["Authorization", REMOVED]
    assert scrub_data([("Accept", "*/*"), ("Cookie", value)]) == [["Accept", "*/*"], ["Cookie", REMOVED]]


def test_plain_words_beside_a_name_stay():
    data = [
        {"name": "Token expired", "text": "Ask for another one", "content": "on page 2"},
        {"name": "tokens", "content": 12},
        ["tokens", 12],
        ["token", None],
        ["The token is gone", ["since Monday"]],
        {"text": "password", "value": "a"},
    ]
    assert scrub_data(data) == data
