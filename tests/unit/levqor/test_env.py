"""Settings from outside: what is documented, what is refused, and how."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from pydantic import ValidationError

from levqor import env
from levqor.env import ROOT, Environment, environment
from tests.common.surroundings import bare_environment

MINIMAL_PRODUCTION = {
    "LEVQOR_ENV": "production",
    "SECRET_KEY": "x" * 60,
    "ENCRYPTION_KEYS": Fernet.generate_key().decode(),
    "ALLOWED_HOSTS": "levqor.example, www.levqor.example",
    "SITE_URL": "https://levqor.example",
}

KEY = "51Hs0meLetters0And0Numbers0"


@pytest.fixture
def settings_of(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Environment]:
    """Builds an Environment from nothing but the given variables and the lines of a `.env`."""
    for name in [*Environment.model_fields, *os.environ]:
        if name in Environment.model_fields or name.startswith("LEVQOR_"):
            monkeypatch.delenv(name, raising=False)

    def build(dotenv: str = "", **variables: str) -> Environment:
        file = tmp_path / ".env"
        file.write_text(dotenv)
        usual = {"LEVQOR_VAR": str(tmp_path / "var"), "LEVQOR_ENV_FILE": str(file)}
        for name, value in {**usual, **variables}.items():
            monkeypatch.setenv(name, value)
        environment.cache_clear()
        try:
            return environment()
        finally:
            environment.cache_clear()

    return build


def documented() -> dict[str, str]:
    lines = (ROOT / ".env.example").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if re.match(r"[A-Z_]+=", line))


def test_the_example_documents_exactly_the_settings() -> None:
    assert set(documented()) == set(Environment.model_fields)


def test_the_example_shows_the_defaults(settings_of: Callable[..., Environment]) -> None:
    plain = settings_of()
    from_example = settings_of((ROOT / ".env.example").read_text())
    assert from_example.model_dump(exclude={"LEVQOR_VAR"}) == plain.model_dump(exclude={"LEVQOR_VAR"})


def test_the_environment_wins_over_the_file(settings_of: Callable[..., Environment]) -> None:
    assert settings_of("PORT=9001\nHOST=0.0.0.0").PORT == 9001
    found = settings_of("PORT=9001", PORT="9002")
    assert (found.PORT, found.SITE_URL) == (9002, "http://127.0.0.1:9002")


def test_the_file_may_be_another_one_or_none(
    settings_of: Callable[..., Environment], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert settings_of("PORT=9001", LEVQOR_ENV_FILE="").PORT == 8000
    with pytest.raises(SystemExit):
        settings_of(LEVQOR_ENV_FILE=str(tmp_path / "none"))
    assert capsys.readouterr().err == f"levqor: bad setting: LEVQOR_ENV_FILE: {tmp_path}/none is no file\n"


def test_demo_is_for_local_installations(settings_of: Callable[..., Environment]) -> None:
    assert settings_of().DEMO is True
    assert settings_of(HOST="192.0.2.1").DEMO is False  # its passwords are public
    assert settings_of(HOST="192.0.2.1", DEMO="true").DEMO is True
    assert settings_of(**MINIMAL_PRODUCTION, DEMO="").DEMO is False
    assert settings_of(**MINIMAL_PRODUCTION, DEMO="").ALLOWED_HOSTS == ["levqor.example", "www.levqor.example"]


def test_the_fake_listens_beside_the_platform(settings_of: Callable[..., Environment]) -> None:
    assert settings_of().STRIPE_FAKE_PORT == 8001
    assert settings_of(PORT="65535").STRIPE_FAKE_PORT == 65534
    assert settings_of(PORT="9000", STRIPE_FAKE_PORT="9100").STRIPE_FAKE_PORT == 9100


def test_live_keys_are_for_production(settings_of: Callable[..., Environment]) -> None:
    for given in (f"sk_live_{KEY}", f"rk_live_{KEY}", f"sk_test_{KEY}", ""):
        found = settings_of(**MINIMAL_PRODUCTION, STRIPE_API_KEY=given).STRIPE_API_KEY
        assert found == given
    found = settings_of(STRIPE_API_KEY=f"rk_test_{KEY}").STRIPE_API_KEY
    assert found == f"rk_test_{KEY}"


def test_a_webhook_secret_may_be_on_its_way_out(settings_of: Callable[..., Environment]) -> None:
    both = settings_of(STRIPE_WEBHOOK_SECRET=f"whsec_{KEY}New, whsec_{KEY}Old").STRIPE_WEBHOOK_SECRET
    assert both == [f"whsec_{KEY}New", f"whsec_{KEY}Old"]


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        ({"PORT": "99999"}, "PORT: Input should be less than or equal to 65535"),
        ({"PORT": "http"}, "unable to parse string as an integer (it is 'http')"),
        ({"DATABASE_URL": "sqlite://"}, "DATABASE_URL: must name a file"),
        (
            {"LEVQOR_EVN": "local"},
            "LEVQOR_EVN: is not a setting of Levqor; did you mean LEVQOR_ENV? (see",
        ),
        ({"DATABASE_URL": "mysql://host/name"}, "DATABASE_URL: must start with postgresql://"),
        ({"DATABASE_URL": "postgresql://host:port/name"}, "DATABASE_URL: is not a database URL"),
        ({"DATABASE_URL": "postgresql://host"}, "DATABASE_URL: is not a database URL"),
        ({"REDIS_URL": "localhost:6379"}, "REDIS_URL: must start with redis://"),
        ({"REDIS_URL": "redis://host:x"}, "REDIS_URL: has a port that is no number"),
        ({"SITE_URL": "levqor.example"}, "SITE_URL: must start with http://"),
        ({"ENCRYPTION_KEYS": "secret"}, "ENCRYPTION_KEYS: key 1 is no Fernet key"),
        ({"LEVQOR_VAR": "/proc/levqor"}, "LEVQOR_VAR: /proc/levqor can't be used"),
        ({"LEVQOR_PROT": "1"}, "LEVQOR_PROT: is not a setting of Levqor"),
        ({"MAIL_TRANSPORT": "resend"}, "MAIL_TRANSPORT=resend needs RESEND_API_KEY"),
        ({"GITHUB_CLIENT_ID": "abc"}, "GITHUB_CLIENT_ID and GITHUB_CLIENT_SECRET belong together"),
        (
            {"LEVQOR_ENV": "production"},
            "LEVQOR_ENV=production needs SECRET_KEY, ENCRYPTION_KEYS, ALLOWED_HOSTS, SITE_URL\n",
        ),
        ({**MINIMAL_PRODUCTION, "SITE_URL": ""}, "LEVQOR_ENV=production needs SITE_URL\n"),
        ({**MINIMAL_PRODUCTION, "SITE_URL": "http://levqor.example"}, "SITE_URL must start with https:// where"),
        ({"STRIPE_API_KEY": "sk_test_short"}, "STRIPE_API_KEY: is not a secret key of Stripe's"),
        ({"STRIPE_API_KEY": f"pk_test_{KEY}"}, "STRIPE_API_KEY: is not a secret key of Stripe's"),
        ({"STRIPE_API_KEY": f"sk_test_{KEY} "}, "STRIPE_API_KEY: is not a secret key of Stripe's"),
        ({"STRIPE_API_KEY": f"sk_live_{KEY}"}, "STRIPE_API_KEY is a live key, which LEVQOR_ENV=local refuses"),
        ({"STRIPE_API_KEY": f"rk_live_{KEY}"}, "STRIPE_API_KEY is a live key, which LEVQOR_ENV=local refuses"),
        ({"STRIPE_WEBHOOK_SECRET": KEY}, "STRIPE_WEBHOOK_SECRET: secret 1 is not the signing secret of a webhook"),
        ({"STRIPE_WEBHOOK_SECRET": f"whsec_{KEY},whsec_"}, "STRIPE_WEBHOOK_SECRET: secret 2 is not the signing"),
        ({"STRIPE_API_URL": "127.0.0.1:8001"}, "STRIPE_API_URL: is not an address such as http://127.0.0.1:8001"),
        ({"STRIPE_API_URL": f"http://{KEY}@host"}, "STRIPE_API_URL: is not an address such as"),
        ({"STRIPE_API_URL": "http://host:99999"}, "STRIPE_API_URL: has a port that is no number"),
        ({"STRIPE_TAX": "perhaps"}, "STRIPE_TAX: Input should be a valid boolean"),
        ({"STRIPE_FAKE_PORT": "8000"}, "STRIPE_FAKE_PORT and PORT must differ\n"),
        ({**MINIMAL_PRODUCTION, "STRIPE_API_URL": "http://host"}, "STRIPE_API_URL must start with https:// where"),
        ({**MINIMAL_PRODUCTION, "DEMO": "true"}, "DEMO=true is refused where LEVQOR_ENV=production\n"),
    ],
)
def test_a_bad_setting_is_one_clear_line(
    variables: dict[str, str],
    told: str,
    settings_of: Callable[..., Environment],
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as stopped:
        settings_of(**variables)
    assert stopped.value.code == 2
    said = capsys.readouterr().err
    assert told in said
    assert KEY not in said
    assert said.startswith("levqor: bad setting: ")
    assert said.count("\n") == 1


def test_an_unknown_key_in_the_file_is_refused(
    settings_of: Callable[..., Environment], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        settings_of("PROT=9000\n")
    assert stopped.value.code == 2
    assert capsys.readouterr().err == (
        "levqor: bad setting: PROT: is not a setting of Levqor; did you mean PORT? (see .env.example)\n"
    )


def test_the_terminals_own_variables_are_no_mistake(settings_of: Callable[..., Environment]) -> None:
    assert settings_of(LEVQOR_TOKEN="t", LEVQOR_URL="http://127.0.0.1:8000").PORT == 8000


def test_secrets_are_not_quoted_back(settings_of: Callable[..., Environment]) -> None:
    with pytest.raises(ValidationError) as refused:
        Environment(ENCRYPTION_KEYS=["hush"], _env_file=None)  # type: ignore[call-arg]
    assert "hush" not in env._explain(refused.value)


def manage(*words: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "manage.py", *words],
        cwd=ROOT,
        env=bare_environment(**variables),
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.mark.parametrize(
    ("variables", "code", "told"),
    [
        ({"PORT": "0"}, 2, "levqor: bad setting: PORT: Input should be greater than or equal to 1 (it is '0')\n"),
        ({"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"}, 1, "levqor: database: connection"),
        ({"REDIS_URL": "redis://127.0.0.1:1/0"}, 1, "levqor: REDIS_URL: "),
    ],
)
def test_start_tells_in_one_line_what_is_wrong(variables: dict[str, str], code: int, told: str, tmp_path: Path) -> None:
    ended = manage("start", **{"LEVQOR_VAR": str(tmp_path), "PORT": "18999", "STRIPE_FAKE_PORT": "18998", **variables})
    assert (ended.returncode, ended.stderr.count("\n")) == (code, 1), ended.stderr
    assert ended.stderr.startswith(told)
