"""The smallest document that a PDF reader opens: one page of lines, without anything from outside."""

_TOP, _LEFT, _STEP, _SIZE = 800, 50, 16, 10
_MOST = 46  # lines that fit on the page


def document(title: str, lines: list[str]) -> bytes:
    """A page with a title and these lines; what the font hasn't is shown as a question mark."""
    shown = lines if len(lines) <= _MOST else [*lines[: _MOST - 1], "…"]
    text = [b"BT", b"/F2 %d Tf" % (_SIZE + 4), b"%d TL" % _STEP, b"%d %d Td" % (_LEFT, _TOP), _said(title)]
    text += [b"/F1 %d Tf" % _SIZE, b"T*", *(_said(line) for line in shown), b"ET"]
    stream = b"\n".join(text)
    fonts = b"<< /F1 5 0 R /F2 6 0 R >>"
    parts = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font %s >> >>" % fonts,
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Courier /Encoding /WinAnsiEncoding >>",
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Courier-Bold /Encoding /WinAnsiEncoding >>",
    ]
    content, places = b"%PDF-1.4\n", []
    for number, part in enumerate(parts, 1):
        places.append(len(content))
        content += b"%d 0 obj\n%s\nendobj\n" % (number, part)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    end = b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(parts) + 1, len(content))
    return content + b"xref\n0 %d\n0000000000 65535 f \n" % (len(parts) + 1) + table + end


def _said(line: str) -> bytes:
    raw = line.encode("cp1252", "replace")
    for special in (b"\\", b"(", b")"):
        raw = raw.replace(special, b"\\" + special)
    return b"(" + raw + b") Tj T*"
