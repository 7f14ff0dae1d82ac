"""A browser without eyes for the fake Stripe's pages: it reads their forms and sends what they would send."""

import http.client
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urlencode, urljoin, urlsplit


@dataclass
class Form:
    """Where a form goes, what it holds, and its buttons by their words."""

    action: str
    values: dict[str, str] = field(default_factory=dict)
    buttons: dict[str, dict[str, str]] = field(default_factory=dict)
    choices: dict[str, set[str]] = field(default_factory=dict)


class Browser:
    """One tab. It follows what leads to the same place, and stops at `address` where it is sent elsewhere."""

    def __init__(self) -> None:
        self.address, self.status, self.content, self.text = "", 0, "", ""
        self.forms: list[Form] = []

    def open(self, address: str) -> "Browser":
        self._ask("GET", address, None)
        return self

    def press(self, words: str, **values: str) -> "Browser":
        """Press the button with these words, after filling in these values."""
        [form] = [form for form in self.forms if words in form.buttons]
        for name, value in values.items():
            assert value in form.choices.get(name, {value}), f"{value} is no choice of {name}"
        self._ask("POST", form.action, {**form.values, **values, **form.buttons[words]})
        return self

    def _ask(self, method: str, address: str, values: dict[str, str] | None) -> None:
        target = urljoin(self.address, address)
        parts = urlsplit(target)
        connection = http.client.HTTPConnection(parts.netloc, timeout=10)
        headers = {"Sec-Fetch-Site": "same-origin", "Content-Type": "application/x-www-form-urlencoded"}
        body = urlencode(values) if values is not None else None
        connection.request(method, f"{parts.path}?{parts.query}".rstrip("?"), body, headers)
        answer = connection.getresponse()
        self.content, self.status, self.address = answer.read().decode(), answer.status, target
        connection.close()
        if (location := answer.getheader("Location")) is not None:
            onward = urljoin(target, location)
            if urlsplit(onward).netloc == parts.netloc:
                self._ask("GET", onward, None)
            else:
                self.address = onward
            return
        reader = _Reader()
        reader.feed(self.content)
        self.forms, self.text = reader.forms, " ".join(" ".join(reader.words).split())


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.words: list[str] = []
        self._button: dict[str, str] | None = None
        self._label = ""
        self._select = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        name, value = found.get("name", ""), found.get("value", "")
        if tag == "form":
            self.forms.append(Form(found["action"]))
        elif tag == "input" and found.get("type") == "radio":
            self._choice(name, value, chosen="checked" in found)
        elif tag == "input":
            self.forms[-1].values[name] = value
        elif tag == "select":
            self._select = name
        elif tag == "option":
            self._choice(self._select, value, chosen="selected" in found)
        elif tag == "button":
            self._button, self._label = ({name: value} if name else {}), ""

    def handle_endtag(self, tag: str) -> None:
        if tag == "button" and self._button is not None:
            self.forms[-1].buttons[self._label.strip()] = self._button
            self._button = None

    def handle_data(self, data: str) -> None:
        self.words.append(data)
        if self._button is not None:
            self._label += data

    def _choice(self, name: str, value: str, *, chosen: bool) -> None:
        self.forms[-1].choices.setdefault(name, set()).add(value)
        if chosen:
            self.forms[-1].values[name] = value
