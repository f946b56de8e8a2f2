"""A terminal, as far as `culvert status` needs one: what a program writes to it becomes a screen."""

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time
import unicodedata

SEQUENCE = re.compile(r"\x1b\[(\??)([0-9;]*)([A-Za-z])")


def columns(character):
    return 0 if unicodedata.combining(character) else 2 if unicodedata.east_asian_width(character) in "WF" else 1


class Screen:
    """Cells of one character each; the second one of a wide character is ''."""

    def __init__(self, width, height):
        self.alternate = False
        self.cursor_shown = True
        self.wraps = True
        self.frames = 0
        self.blinks = []  # what was erased and written again within a frame
        self._rest = ""
        self.fits_from = 0  # the number of the frame that has to fit
        self._set_size(width, height)

    def resize(self, width, height):
        """The next frame may have been made for the size before. What does not fit is lost, as nothing wraps."""
        self._set_size(width, height)
        self.fits_from = self.frames + 2

    def _set_size(self, width, height):
        self.width, self.height = width, height
        self.cells = [[" "] * width for _ in range(height)]
        self.x = self.y = 0
        self._erased = set()

    def lines(self):
        return ["".join(row).rstrip() for row in self.cells]

    def text(self):
        return "\n".join(self.lines())

    def feed(self, text):
        text = self._rest + text
        self._rest = ""
        at = 0
        while at < len(text):
            if text[at] != "\x1b":
                self._put(text[at])
                at += 1
            elif found := SEQUENCE.match(text, at):
                self._obey(*found.groups())
                at = found.end()
            else:
                self._rest = text[at:]
                assert len(self._rest) < 16 and "m" not in self._rest, f"not known: {self._rest[:16]!r}"
                return

    def _obey(self, private, numbers, name):
        if private:
            on = name == "h"
            assert name in "hl", name
            if numbers == "1049":
                self.alternate = on
            elif numbers == "25":
                self.cursor_shown = on
            elif numbers == "7":
                self.wraps = on
            else:
                raise AssertionError(f"not known: ?{numbers}{name}")
        elif name == "H":
            assert numbers == ""
            self.x = self.y = 0
            self.frames += 1
            self._erased.clear()
        elif name == "K":
            assert numbers == ""
            self._erase(self.y, self.x)
        elif name == "J":
            first = 0 if numbers == "2" else self.y
            self._erase(first, 0 if numbers == "2" else self.x)
            for row in range(first + 1, self.height):
                self._erase(row, 0)
        else:
            assert name == "m", f"not known: {numbers}{name}"

    def _erase(self, row, begin):
        for column in range(begin, self.width):
            if self.cells[row][column] != " ":
                self._erased.add((row, column))
            self.cells[row][column] = " "

    def _put(self, character):
        if character == "\r":
            self.x = 0
        elif character == "\n":
            if self.y + 1 < self.height:
                self.y += 1
            else:
                assert self.frames < self.fits_from, "it scrolls"
        else:
            assert unicodedata.category(character) not in ("Cc", "Cf"), f"not shown: {character!r}"
            wide = columns(character)
            if wide == 0:
                return
            if self.x + wide > self.width:
                assert self.frames < self.fits_from, f"wider than the screen: {self.lines()[self.y]}"
                return
            if (self.y, self.x) in self._erased and character != " ":
                self.blinks.append((self.y, self.x, character))
            self.cells[self.y][self.x] = character
            if wide == 2:
                self.cells[self.y][self.x + 1] = ""
            self.x += wide


class Terminal:
    """A program at a terminal of its own."""

    def __init__(self, argv, env, width=80, height=24):
        self.screen = Screen(width, height)
        self.raw = b""
        self._pending = b""
        ours, theirs = pty.openpty()
        self.fd = ours
        self._set_size(width, height)
        self._modes = termios.tcgetattr(theirs)
        self._theirs = theirs
        self.process = subprocess.Popen(
            argv, stdin=theirs, stdout=theirs, stderr=theirs, env=env, start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self.fd)
        os.close(self._theirs)

    def _set_size(self, width, height):
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))

    def resize(self, width, height):
        """What was made for the size before is read first, as far as it has come."""
        end = time.monotonic() + 10
        while self._read(0.05) and time.monotonic() < end:
            pass
        self._set_size(width, height)
        self.screen.resize(width, height)
        self.expect(lambda screen: screen.frames > screen.fits_from, "a frame for the new size")

    def is_as_before(self):
        return termios.tcgetattr(self._theirs) == self._modes

    def type(self, text):
        os.write(self.fd, text.encode())

    def _read(self, seconds):
        if not select.select([self.fd], [], [], max(seconds, 0))[0]:
            return False
        data = os.read(self.fd, 65536)
        self.raw += data
        data = self._pending + data
        # A character may be cut.
        for cut in range(4):
            try:
                text = data[: len(data) - cut].decode()
                break
            except UnicodeDecodeError:
                continue
        self._pending = data[len(data) - cut:] if cut else b""
        self.screen.feed(text)
        return True

    def expect(self, condition, what, seconds=30):
        end = time.monotonic() + seconds
        while not condition(self.screen):
            if time.monotonic() > end or self.process.poll() is not None and not self._read(0):
                raise AssertionError(f"{what} does not come:\n{self.screen.text()}\n{self.raw[-600:]!r}")
            self._read(0.1)

    def expect_text(self, text):
        self.expect(lambda screen: text in screen.text(), repr(text))

    def wait(self, seconds=30):
        """The exit status, when all that was written is on the screen."""
        status = self.process.wait(seconds)
        while self._read(0.1):
            pass
        return status
