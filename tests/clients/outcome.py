"""What a user sees of the reason why a request failed, in all that a program has said."""

import re

REASON, CUT, CODE, OTHER, NOTHING = "the reason", "the reason, cut short", "502 alone", "not why", "nothing"
# The time before a line of a log, and numbers that are others each time.
MOMENT = re.compile(r"^(\d{4}\S\d\d\S\d\d |\w{3} \d\d )?\S*\d\d:\d\d:\d\d\S* ")
NUMBERS = re.compile(r"(?<=\w)\[\d+\]| @ 0x[0-9a-f]+")
LONGEST = 100
# What a phrase holds of this one request, before the advice or behind it.
ASIDE = re.compile(r" \((for|down for) [^()]*\)")
COLOURS = re.compile(r"\x1b\[[0-9;]*m")
# The first line that matches the first of these that any line matches.
TELLING = (
    r"REASON",
    r"(?i)proxy (server |connection )?(returned|error|failed)|through proxy|connect request rejected|tunnel error|unsuccessful",
    r"\b502\b",
    r"(?i)\berror|denied|fail|refus|unable|cannot|could not",
)


class Reason:
    """The reason phrase of a refused CONNECT, without what changes from one to the next: `upstream X refused the connection
    - is the tunnel up?`, and its cause, `refused the connection`."""

    def __init__(self, phrase, upstream):
        self.whole = ASIDE.sub("", phrase.removeprefix("culvert: "))
        self.cause = self.whole.partition(" - ")[0].removeprefix(f"upstream {upstream} ")
        if not self.whole.startswith(f"upstream {upstream} {self.cause}"):
            raise AssertionError(f"this is no reason to look for: {phrase}")

    def seen_in(self, text):
        """How much of it a program has passed on. Lines may be wrapped."""
        words = ASIDE.sub("", " ".join(COLOURS.sub("", text).split()))
        if self.whole in words:
            return REASON
        if self.cause in words:
            return CUT
        if re.search(r"\b502\b|Bad Gateway", words):
            return CODE
        return OTHER if words else NOTHING

    def telling_line(self, text):
        """The line by which a user would look for the cause, cut to what is next to it, with REASON in place of it."""
        lines = [" ".join(line.split()) for line in COLOURS.sub("", text).splitlines() if line.strip()]
        lines = [ASIDE.sub("", line).replace(self.whole, "REASON") for line in lines]
        for pattern in TELLING:
            for line in lines:
                if re.search(pattern, line):
                    return shortened(NUMBERS.sub("", MOMENT.sub("", line)))
        return shortened(lines[-1]) if lines else ""


def shortened(line):
    """At most LONGEST characters; of a line with REASON the last ones up to there."""
    before, found, behind = line.partition("REASON")
    if found:
        end = len(before + found) + min(len(behind), 3)
        start = max(0, end - LONGEST)
    else:
        start, end = 0, LONGEST
    return ("..." if start else "") + line[start:end] + ("..." if end < len(line) else "")
