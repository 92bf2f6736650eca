"""Names that a file may have, and that somebody may read as another file, as another line or as an option."""

from __future__ import annotations

#: Paths relative to a folder; those of one part can be the name of anything.
NAMES = [
    "x\n--- a/setup.py\n+++ b/setup.py\n@@ -1 +1 @@\n-a: 1\n+b: 2\n--- a/y\n+++ b/y", "x\ny", "\n", "x\r", "x\r\n",
    "x\ty", "x\t", "x\t2020-01-01", "tab 1970-01-01 00:00:00 +0000", "x ", "x  ", " ", " x", "x  y", "dir /x",
    "dir /x ", '"', '"x"', 'x"y', "\\", "x\\", "x\\n", "-x", "--", "-", "+++ b/x", "--- a", "a", "a/b", "b/a",
    "b/b/b", "dev/null", "dev/null\t", "x => y", "{a => b}", "x~", "x.orig", "#x", "%2e", "$x", "~", "*", "[x]",
    "x:y", "C:", "C:\\x", "\x01\x07\x08\x0b\x0c\x1b[2J\x7f", "é日😀", "x\u2028y", "x\u2029", "x\x85", "x\x9b", "x\xa0",
    "\xa0", "\u202ex", "\ufeff", "\ufffe", "byte\udcff", "\udcc3\udca4", "x\udc8a", "Index: x", "diff --git a",
    "@@ -1 +1 @@", "rename from x", "...", ".x", "..x", "x" * 200, "::error::x", "x\n::error::y", "##[error]x",
    "x\nHEALTHY  y", "$(touch x)", "`touch x`", "'; touch x; '", "a?b", "a#b", "a%20b", "a&b;c", "${oc.env:HOME}",
    "???",
]  # fmt: skip

#: What names are made of at random; a path's parts are parted by `/`, which is none of them.
LETTERS = "ab.\\\"'- \t\n\r\x0b\x0c\x1b\x7f@+#%?$~*:;,=&|<>()[]{}é\x85\xa0\u2028\u202e\ufeff\udc80\udcc3\udcff01"
