"""What developers read: open to everybody, complete, and true to this installation."""

import json
import re
from types import SimpleNamespace

import pytest
from django.test import Client
from django.utils import translation

from apps.core.problem_types import problem_types
from apps.developers.docs import guides
from tests.common.roles import client_of

pytestmark = pytest.mark.django_db
WANTED = {
    "overview",
    "authentication",
    "rate-limits",
    "errors",
    "pagination",
    "idempotency",
    "webhooks",
    "examples",
    "faq",
    "changelog",
}


@pytest.fixture
def built(settings, tmp_path):
    """A folder in which `make sdk` left one package, and something else lies about."""
    settings.VAR_DIR = tmp_path
    (tmp_path / "sdk").mkdir()
    (tmp_path / "sdk" / "levqor_sdk-1.0-py3-none-any.whl").write_bytes(b"a wheel")
    (tmp_path / "sdk" / "notes.txt").write_text("not listed")
    about = {"language": "python", "package": "levqor_sdk", "sha256": "ab" * 32, "bytes": 7}
    entry = {"name": "levqor_sdk-1.0-py3-none-any.whl", **about}
    gone = {**entry, "name": "levqor-sdk-1.0.tgz"}
    (tmp_path / "sdk" / "manifest.json").write_text(json.dumps({"version": "1.0", "files": [entry, gone]}))
    return tmp_path


def test_every_guide_is_there_and_leads_to_the_next():
    assert set(guides.guides()) == WANTED
    client, address, met = Client(), "/dev", []
    while address:
        page = client.get(address, follow=True)
        assert page.status_code == 200
        met.append(page.request["PATH_INFO"].removeprefix("/dev/"))
        found = re.search(r'href="([^"]+)" rel="next"', page.content.decode())
        address = found[1] if found else None
    assert met == list(guides.guides())


def test_links_of_guides_lead_somewhere(owner, organization):
    client = client_of(owner)
    links = {link for one in guides.guides().values() for link in re.findall(r"\]\((/[^)]*)\)", one.source)}
    assert links
    for link in links:
        path, _sharp, part = link.partition("#")
        page = client.get(path)
        assert page.status_code == 200, link
        assert not part or f'id="{part}"' in page.content.decode(), link


def test_every_kind_of_problem_is_listed():
    page = Client().get("/dev/errors").content.decode()
    for code, kind in problem_types().items():
        link = f'<a href="/problems/{code}"><code>{code}</code></a>'
        assert f'{link}</td><td class="num">{kind.status}</td><td>{kind.title}</td>' in page, code


def test_guides_name_this_installation(settings):
    settings.SITE_URL = "https://automation.example"
    page = Client().get("/dev/overview").content.decode()
    assert "https://automation.example/api/sandbox/v1" in page
    assert guides.EXAMPLE_SITE not in page


def test_a_guide_is_made_once_for_each_address_and_language(settings, monkeypatch):
    made = []

    def render(source):
        made.append(source)
        return source

    monkeypatch.setattr(guides, "_markdown", lambda: SimpleNamespace(render=render))
    guide = guides.our_guides()["overview"]
    for address in ("https://one.example", "https://two.example", "https://one.example"):
        settings.SITE_URL = address
        assert f"{address}/api/v1" in guide.html()
    assert len(made) == 2
    with translation.override("de"):
        guide.html()
    assert len(made) == 3


def test_an_unknown_guide_is_not_there():
    assert Client().get("/dev/nonsense").status_code == 404


def test_trying_out_is_offered_to_whoever_is_logged_in(owner):
    for path, offer in (("/docs/api", "Get a sandbox token"), ("/docs/sdk", "Run in the sandbox")):
        assert offer not in Client().get(path).content.decode()
        assert f"/accounts/login/?next={path}" in Client().get(path).content.decode()
        assert offer in client_of(owner).get(path).content.decode()


def test_a_sandbox_token_is_told_to_its_owner_alone(owner, organization):
    answer = client_of(owner, organization).post("/docs/api/token")
    told = answer.json()
    assert (told["expires_in"], "no-store" in answer["Cache-Control"]) == (3600, True)
    me = Client(headers={"Authorization": f"Bearer {told['token']}"}).get("/api/sandbox/v1/me").json()
    assert me["organization"]["id"] == organization.twin.public_id
    assert Client().post("/docs/api/token").status_code == 302
    assert client_of(owner).get("/docs/api/token").status_code == 405


def test_what_was_built_can_be_downloaded_and_nothing_else(built, settings):
    page = Client().get("/docs/sdk").content.decode()
    assert "levqor_sdk-1.0-py3-none-any.whl" in page
    assert "levqor-sdk-1.0.tgz" not in page
    assert f'data-copy="pip install {settings.SITE_URL}/docs/sdk/levqor_sdk-1.0-py3-none-any.whl"' in page
    answer = Client().get("/docs/sdk/levqor_sdk-1.0-py3-none-any.whl")
    assert b"".join(answer.streaming_content) == b"a wheel"
    assert answer["Content-Disposition"] == 'attachment; filename="levqor_sdk-1.0-py3-none-any.whl"'
    for name in ("notes.txt", "manifest.json", "levqor-sdk-1.0.tgz", "..%2fsecret"):
        assert Client().get(f"/docs/sdk/{name}").status_code == 404, name


def test_where_nothing_was_built_the_page_says_so(settings, tmp_path):
    settings.VAR_DIR = tmp_path
    assert "make sdk" in Client().get("/docs/sdk").content.decode()
