"""How long we wait for PostgreSQL, and who may say otherwise."""

import subprocess
import sys

import pytest

from levqor.env import ROOT
from tests.common.surroundings import bare_environment

LOOK = (
    "from levqor.settings.base import DATABASES; print(DATABASES['default'].get('OPTIONS', {}).get('connect_timeout'))"
)


@pytest.mark.parametrize(
    ("url", "patience"),
    [
        ("postgresql://a@127.0.0.1/b", "4"),
        ("postgresql://a@127.0.0.1/b?connect_timeout=9", "9"),
        ("", "None"),
    ],
)
def test_a_server_that_is_away_is_given_up_soon(tmp_path, url, patience):
    environment = {**bare_environment(), "LEVQOR_VAR": str(tmp_path), "DATABASE_URL": url}
    done = subprocess.run([sys.executable, "-c", LOOK], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.stdout.strip() == patience, done.stderr
