"""What `valgrind --tool=callgrind` has written: how many instructions each function of one program ran."""

import collections
import re


class Profile:
    """The instructions of the program's own functions, and the calls from them into libraries.

    A library's own instructions are left out: they depend on its package and on the CPU that it finds.
    """

    def __init__(self, instructions=(), calls=()):
        self.instructions = collections.Counter(instructions)
        self.calls = collections.Counter(calls)

    def minus(self, other, rounds):
        """What a round costs, as this run had so many rounds more than the other one."""

        def each(ours, theirs):
            return {name: (ours[name] - theirs[name]) / rounds for name in ours | theirs if ours[name] != theirs[name]}

        return Profile(each(self.instructions, other.instructions), each(self.calls, other.calls))


def plain_name(name):
    """One name for all copies of a function: those that g++ has cut or specialised, and callgrind's for recursion.

    Library functions that exist once for each kind of CPU have one name, too. Strings get the names that people use.
    """
    name = re.sub(r"'\d+$", "", name)
    name = re.sub(r"( \[clone [^]]*\])+$", "", name)
    for written, short in (
        ("std::__cxx11::basic_string<char, std::char_traits<char>, std::allocator<char> >", "std::string"),
        ("std::basic_string_view<char, std::char_traits<char> >", "std::string_view"),
        ("[abi:cxx11]", ""),
        ("(anonymous namespace)::", ""),
    ):
        name = name.replace(written, short)
    return re.sub(r"^__(mem|str)(\w+?)_(avx|sse|evex|erms|unaligned)\w*$", r"\1\2", name)


class Names:
    """Callgrind writes a name once, with a number, and then only the number."""

    def __init__(self):
        self._known = {}

    def of(self, text):
        number, _, name = text.partition(" ")
        if name:
            self._known[number] = name
        return self._known[number]


def read(lines, program):
    """The profile of `program`, the path of an executable, out of an output file's lines."""
    objects, functions = Names(), Names()
    profile = Profile()
    ours = theirs = inclusive = False
    here = called = None
    for line in lines:
        key, _, value = line.rstrip("\n").partition("=")
        if key == "ob":
            ours = objects.of(value) == program
        elif key == "fn":
            here = plain_name(functions.of(value))
            theirs = False
        elif key == "cob":
            theirs = objects.of(value) != program
        elif key == "cfn":
            called = plain_name(functions.of(value))
        elif key == "calls":
            if ours and theirs:
                profile.calls[called] += int(value.split()[0])
            theirs = False
            inclusive = True  # the next line counts what is below the call
        elif line[:1] in "0123456789+-*":
            if ours and not inclusive:
                profile.instructions[here] += int(line.split()[1])
            inclusive = False
    return profile
