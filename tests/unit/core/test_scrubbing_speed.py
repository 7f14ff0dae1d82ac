"""The net's work grows with the text and no faster, whatever somebody writes to keep it busy.

Times are of this thread alone, and only compared with each other: a long text takes about as long as its parts one by
one; where the same part is looked at again and again it is many times that.
"""

import time
from statistics import median

import pytest

from apps.core.scrubbing import scrub
from apps.core.secret_names import ALONE, ANYWHERE, AT_END, SCHEMES
from apps.core.secret_shapes import OTHERS, WITH_DASHES, WITH_LINES

PARTS, PART = 128, 1_000  # characters
GENEROUS = 4.0
TOO_QUICK = 0.005  # seconds for all of it: nothing to be measured, and nothing to mind
MARKS = [mark for shapes in (OTHERS, WITH_LINES, WITH_DASHES) for mark, _form, _stays in shapes]
REPEATED = [
    "-----BEGIN PRIVATE KEY-----",
    "-----BEGIN A",
    "-----END PRIVATE KEY-----",
    "a\n-----END PRIVATE KEY-----",
    "-eyJ",
    "eyJaaaaaaaa.--------",
    "://",
    "://a:",
    "://a@",
    "://a:b/",
    'token="',
    "token: token" + " " * 500,
    "api_key_",
    "cookie:" + "\n" * 1000,
    "cookie" + " " * 1000 + '"',
    "bearer" + " " * 1000,
    "('token', \"",
    "'token', \"",
    "'token', '",
    "--token '",
    "token '",
    "password=&a",
    "password=a,a",
    'password=\\"',
    ":1234567890",
    "token='''",
    "token='''\n",
    "token='''\ntoken=\"\"\"\n",
    "token=\\'''\n",
    "token=[\n",
    "token=['\n",
    "token=['a',\n",
    "token=[''",
    "token=['\"'\"",
    "token=[" + "''" * 400 + "\n",
    "'token=['\"'\"\n",
    "token: |\n a\n",
    "token: >-\n" + "\n" * 800,
    "token: |\n" + " \n" * 400 + " a",
    " " * 500 + "token: |\n" + " " * 400,
    "token=none",
    "token=none" + "." * 900,
    "%25253Dtoken",
    "&quot;token",
    *(f"{word}=" for word in (*ANYWHERE, *AT_END, *ALONE, *SCHEMES)),
    *(f"{mark}a" for mark in MARKS),
]


@pytest.mark.parametrize("repeated", REPEATED, ids=lambda text: text[:30].strip())
def test_a_text_is_no_more_work_than_its_parts(repeated: str) -> None:
    part = repeated * max(PART // len(repeated), 1)
    whole = part * PARTS
    if _seconds(whole, 1) < TOO_QUICK:
        return
    assert median(_seconds(whole, 1) / _seconds(part, PARTS) for _time in range(3)) < GENEROUS


def _seconds(text: str, times: int) -> float:
    began = time.thread_time()
    for _time in range(times):
        scrub(text)
    return time.thread_time() - began
