"""The gate through HTTP: who is let in, from which call on, and what is told."""

from datetime import timedelta

import pytest
import time_machine

from apps.accounts import key_format
from apps.accounts.models import ApiKey, Membership
from apps.accounts.services import api_keys, members, organizations, profile, staff_help, tokens
from apps.accounts.services.api_keys import Terms
from apps.core.clock import now
from apps.usage.limits import anonymous_limits, limits_of, set_limits
from tests.common.gate_calls import HOME, PING, billed, issue, refusal, with_key
from tests.common.gates import forget_strikes
from tests.common.roles import JsonClient, actor_of, api_client_of, client_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def issued(owner, organization):
    return issue(owner, organization)


@pytest.fixture
def program(issued):
    return with_key(issued.secret)


# Who is let in ------------------------------------------------------------------------------------------------------
def wrong_credentials(good):
    mistyped = good[:-7] + ("a" if good[-7] != "a" else "b") + good[-6:]
    return {
        "malformed_api_key": [good[:-1], good[:20], good + "x", mistyped, "nonsense", ""],
        "invalid_api_key": [key_format.new_secret("live"), key_format.new_secret("test")],
    }


def test_wrong_keys_cost_nothing_and_count_for_their_address(issued, program, organization):
    assert program.get(PING).status_code == 200
    for code, texts in wrong_credentials(issued.secret).items():
        for text in texts:
            for headers in ({"X-API-Key": text}, {"Authorization": f"Token {text}"}):
                answer = JsonClient(REMOTE_ADDR=HOME).get(PING, headers=headers)
                document = refusal(answer)
                assert (answer.status_code, document["code"]) == (401, code), text
                assert organization.name not in answer.content.decode()
                assert answer["X-RateLimit-Limit"] == str(anonymous_limits().per_minute)
    assert billed(organization) == 1


def test_two_credentials_at_once(issued, organization):
    headers = {"X-API-Key": issued.secret, "Authorization": f"Bearer {issued.secret}"}
    answer = JsonClient().get(PING, headers=headers)
    assert (answer.status_code, refusal(answer)["code"]) == (401, "ambiguous_credentials")
    assert billed(organization) == 0


def test_whoever_guesses_too_often_is_not_looked_up_any_more(issued, settings, django_assert_num_queries):
    """Others at the same address, whom the process remembers, go on."""
    if not settings.REDIS_URL:
        pytest.skip("without Redis nobody is remembered, and to ask for the limit takes a query itself")
    settings.API_ANONYMOUS_CALLS_PER_MINUTE = 3
    forget_strikes()
    known, stranger = with_key(issued.secret), JsonClient(REMOTE_ADDR=HOME)
    assert known.get(PING).status_code == 200
    guesses = [key_format.new_secret("live") for _number in range(5)]
    statuses = [stranger.get(PING, headers={"X-API-Key": guess}).status_code for guess in guesses]
    assert statuses == [401, 401, 401, 429, 429]
    with django_assert_num_queries(0):
        assert stranger.get(PING, headers={"X-API-Key": key_format.new_secret("live")}).status_code == 429
    assert known.get(PING).status_code == 200


def test_a_neighbourhood_of_ipv6_shares_a_limit(settings, db):
    settings.API_ANONYMOUS_CALLS_PER_MINUTE = 2

    def statuses(*addresses):
        return [JsonClient(REMOTE_ADDR=address).get(PING).status_code for address in addresses]

    assert statuses("2001:db8::1", "2001:db8::2", "2001:db8::3", "2001:db8:0:1::1") == [401, 401, 429, 401]
    assert statuses("::ffff:192.0.2.1", "::ffff:192.0.2.1", "::ffff:192.0.2.2") == [401, 401, 401]


@pytest.mark.parametrize("path", ["/api/v1/nowhere", "/api/v1/me%00", "/api/v1/me?x=%00", "/api/sandbox/v1/me"])
@pytest.mark.parametrize("cookie", ["", "nonsense"])
def test_nobody_is_limited_at_whatever_address(settings, db, path, cookie):
    settings.API_ANONYMOUS_CALLS_PER_MINUTE = 2
    stranger = JsonClient(REMOTE_ADDR=HOME)
    if cookie:
        stranger.cookies[settings.SESSION_COOKIE_NAME] = cookie
    first, _second, third = (stranger.get(path) for _number in range(3))
    assert first.status_code in (400, 401, 404)
    assert first["X-RateLimit-Remaining"] == "1"
    assert third.status_code == 429


def test_nobody(organization):
    answer = JsonClient(REMOTE_ADDR=HOME).get(PING)
    assert (answer.status_code, refusal(answer)["code"]) == (401, "not_authenticated")


@pytest.mark.parametrize("end", ["revoked", "expired"])
def test_a_key_that_has_ended(issued, organization, program, end):
    assert program.get(PING).status_code == 200
    if end == "revoked":
        api_keys.revoke_key(issued.key)
        answer = program.get(PING)
    else:
        api_keys.change_key(issued.key.created_by, issued.key, Terms("Server", expires_at=now() + timedelta(hours=1)))
        assert program.get(PING).status_code == 200
        with time_machine.travel(now() + timedelta(hours=1), tick=False):
            answer = program.get(PING)
    assert (answer.status_code, refusal(answer)["code"]) == (401, "invalid_api_key")
    assert billed(organization) == (1 if end == "revoked" else 2)


@pytest.mark.parametrize(
    "forged",
    [
        {},
        {"X-Forwarded-For": "192.0.2.7"},
        {"X-Forwarded-For": "192.0.2.7, 192.0.2.7"},
        {
            "X-Real-IP": "192.0.2.7",
            "Forwarded": "for=192.0.2.7",
            "Client-IP": "192.0.2.7",
            "True-Client-IP": "192.0.2.7",
        },
    ],
)
@pytest.mark.parametrize("warm", [False, True])
def test_a_foreign_address_also_behind_forged_headers(owner, organization, forged, warm):
    secret = issue(owner, organization, None, ["192.0.2.0/24"]).secret
    forget_strikes()
    if warm:
        assert JsonClient(REMOTE_ADDR="192.0.2.9").get(PING, headers={"X-API-Key": secret}).status_code == 200
    answer = JsonClient(REMOTE_ADDR=HOME).get(PING, headers={"X-API-Key": secret, **forged})
    assert (answer.status_code, refusal(answer)["code"]) == (403, "address_not_allowed")
    assert "192.0.2" not in answer.content.decode(), "it tells a thief nothing of where the key is at home"
    assert billed(organization) == int(warm)


def test_behind_a_proxy_of_ours_its_word_counts_and_no_other(owner, organization, settings):
    settings.PROXY_HOPS = 1
    secret = issue(owner, organization, None, ["192.0.2.0/24"]).secret
    for forwarded, status in ((f"192.0.2.7, {HOME}", 403), (f"{HOME}, 192.0.2.7", 200), ("nonsense", 400), ("", 400)):
        headers = {"X-API-Key": secret, "X-Forwarded-For": forwarded}
        assert JsonClient(REMOTE_ADDR="10.0.0.1").get(PING, headers=headers).status_code == status, forwarded


def test_a_wrong_scope(owner, organization):
    answer = with_key(issue(owner, organization, ["runs:start"]).secret).get("/api/v1/runs")
    assert (answer.status_code, refusal(answer)["code"]) == (403, "missing_scope")
    assert billed(organization) == 0


def test_a_wrong_token(organization, owner):
    pair = tokens.mint(owner, organization, origin="session", client_name="x")
    for text in (pair.access[:-2], pair.refresh, "a.b.c", ""):
        answer = JsonClient().get(PING, headers={"Authorization": f"Bearer {text}"})
        assert (answer.status_code, refusal(answer)["code"]) == (401, "invalid_token"), text
    assert JsonClient().get(PING, headers={"X-API-Key": pair.access}).status_code == 401
    assert billed(organization) == 0


# What changes is seen at the very next call -------------------------------------------------------------------------
@pytest.fixture
def dana(developer, organization):
    """A developer with a key, on a process that knows it well."""
    secret = issue(developer, organization).secret
    forget_strikes()
    made = with_key(secret)
    for _time in range(2):
        assert made.get(PING).status_code == 200
    return made


def test_a_revoked_key_is_refused(dana, organization):
    api_keys.revoke_key(key_of(organization))
    assert dana.get(PING).status_code == 401


def membership(organization):
    return Membership.objects.for_organization(organization).get(role="developer")


def key_of(organization):
    return ApiKey.objects.for_organization(organization).get()


def test_a_changed_role(dana, owner, organization):
    assert dana.get("/api/v1/me").json()["role"] == "developer"
    members.change_role(actor_of(owner, organization), membership(organization), "viewer")
    assert dana.get("/api/v1/me").json()["role"] == "viewer"


def test_a_removed_member(dana, owner, organization):
    members.remove_member(actor_of(owner, organization), membership(organization))
    assert dana.get(PING).status_code == 401


def test_a_deactivated_person(dana, staff, organization):
    staff_help.deactivate(membership(organization).user, by=staff)
    assert dana.get(PING).status_code == 401


def test_changed_scopes(dana, organization):
    api_keys.change_key(key_of(organization).created_by, key_of(organization), Terms("Server", ["runs:start"]))
    assert dana.get("/api/v1/runs").status_code == 403


def test_changed_networks(dana, organization):
    api_keys.change_key(key_of(organization).created_by, key_of(organization), Terms("Server", None, ["192.0.2.0/24"]))
    assert dana.get(PING).status_code == 403


def test_networks_that_were_widened_after_a_refusal(issued, organization):
    secret, key = issued.secret, issued.key
    for networks, status in ((["192.0.2.0/24"], 403), (["192.0.2.0/24", "198.51.100.0/24"], 200)):
        api_keys.change_key(key.created_by, key, Terms("Server", None, networks))
        forget_strikes()
        for address, expected in (("192.0.2.9", 200), ("198.51.100.9", status)):
            answer = JsonClient(REMOTE_ADDR=address).get(PING, headers={"X-API-Key": secret})
            assert answer.status_code == expected, (networks, address)


def test_an_expiry_that_was_put_off(dana, organization):
    key, end = key_of(organization), now() + timedelta(hours=1)
    api_keys.change_key(key.created_by, key, Terms("Server", expires_at=end))
    forget_strikes()
    assert dana.get(PING).status_code == 200
    api_keys.change_key(key.created_by, key, Terms("Server", expires_at=end + timedelta(days=1)))
    with time_machine.travel(end, tick=False):
        assert dana.get(PING).status_code == 200, "nobody called in between"


def test_a_renamed_organization_and_person(dana, organization):
    organizations.change_organization(organization, name="Renamed", timezone="UTC")
    profile.change_profile(membership(organization).user, name="Another Name")
    told = dana.get("/api/v1/me").json()
    assert (told["organization"]["name"], told["user"]["name"]) == ("Renamed", "Another Name")


def test_changed_limits(dana, organization):
    set_limits(organization, "pro", per_minute=7)
    assert dana.get(PING)["X-RateLimit-Limit"] == "7"


def test_a_revoked_login(organization, owner):
    program = api_client_of(owner, organization)
    forget_strikes()
    for _time in range(2):
        assert program.get(PING).status_code == 200
    tokens.revoke_all(owner, reason="x")
    assert program.get(PING).status_code == 401


# What is told -------------------------------------------------------------------------------------------------------
def test_how_things_stand(program, organization):
    set_limits(organization, "sandbox")
    answers = [program.get(PING) for _time in range(2)]
    assert [(one["X-RateLimit-Limit"], one["X-RateLimit-Remaining"]) for one in answers] == [("60", "59"), ("60", "58")]
    period = limits_of(organization).period(now())
    length = int((period.end - period.start).total_seconds())
    assert answers[1]["RateLimit-Policy"] == f'"minute";q=60;w=60, "month";q=1000;w={length}'
    assert answers[1]["RateLimit"].startswith('"minute";r=58;t=')
    assert ', "month";r=998;t=' in answers[1]["RateLimit"]


def test_too_fast(program, organization):
    set_limits(organization, "sandbox", per_minute=2)
    answers = [program.get(PING) for _time in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    document = refusal(answers[2])
    assert (document["code"], document["violated-policies"]) == ("rate_limited", ["minute"])
    assert 1 <= document["retry_after"] == int(answers[2]["Retry-After"]) <= 30
    assert billed(organization) == 2


@pytest.mark.parametrize(("livemode", "policy", "quota"), [(True, "month", 2), (False, "day", 100)])
def test_used_up(program, organization, livemode, policy, quota, monkeypatch):
    set_limits(organization, "pro", calls=2)
    organization.livemode = livemode
    organization.save()
    forget_strikes()
    monkeypatch.setattr("apps.usage.limits.TWIN_CALLS_PER_DAY", quota)
    answers = [program.get(PING) for _time in range(quota + 1)]
    assert {answer.status_code for answer in answers[:-1]} == {200}
    document = refusal(answers[-1])
    assert (answers[-1].status_code, document["code"]) == (429, "quota_exceeded")
    assert (document["violated-policies"], document["quota"]) == ([policy], quota)
    end = limits_of(organization).period(now()).end
    assert document["reset_date"] == f"{end:%Y-%m-%d}"
    assert document["retry_after"] == int(answers[-1]["Retry-After"])
    assert abs(document["retry_after"] - (end - now()).total_seconds()) < 60
    assert f', "{policy}";r=0;t=' in answers[-1]["RateLimit"]
    assert billed(organization) == quota


def test_nobody_known_is_limited_by_address(settings, realm):
    settings.API_ANONYMOUS_CALLS_PER_MINUTE = 2
    statuses = [JsonClient(REMOTE_ADDR="203.0.113.5").get("/api/v1/nowhere").status_code for _time in range(3)]
    assert statuses == [404, 404, 429]
    assert JsonClient(REMOTE_ADDR="203.0.113.6").get("/api/v1/nowhere").status_code == 404
    guess = JsonClient(REMOTE_ADDR="203.0.113.5").get(PING, headers={"X-API-Key": key_format.new_secret("live")})
    assert guess.status_code == 429, "guesses are limited, too"


def test_a_lean_answer_has_the_headers_of_the_long_way(program, owner, organization):
    lean = program.get(PING)
    long_way = client_of(owner, organization).get(PING)
    assert lean.status_code == long_way.status_code == 200
    assert lean.content == long_way.content
    per_call = {"X-Request-Id", "X-RateLimit-Reset", "X-RateLimit-Remaining", "RateLimit"}
    of_the_long_way = {"Allow", "Vary", "Content-Language"}  # DRF's list of methods; the session's cookie and language
    left_out = per_call | of_the_long_way
    told = [{name: value for name, value in answer.items() if name not in left_out} for answer in (lean, long_way)]
    assert told[0] == told[1]
    assert {"Content-Security-Policy", "X-RateLimit-Limit", "Content-Length"} <= set(told[0])
