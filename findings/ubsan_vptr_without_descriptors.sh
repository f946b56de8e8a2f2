#!/usr/bin/env bash
# The undefined behaviour sanitizer of g++ takes a sound object for a broken one when the process has no
# descriptor left.
#
#   version     g++ and libubsan 12.2.0-14+deb12u1 (Debian 12, amd64)
#   behaviour   -fsanitize=vptr looks at an object's table of virtual functions before the first call of each kind. To
#               see whether that memory may be read, it makes a pipe and lets the kernel write from there. Without a
#               free descriptor there is no pipe, which is taken for "may not be read": the call is reported as one
#               "which does not point to an object of type ...", and the note is "object has invalid vptr". Calls
#               that were checked before are not checked again, so the report comes only if the first call falls into
#               the shortage.
#   seen        with descriptors: prints 2, no report. Without: prints 2 as well, behind a report.
#   follows     a server's test that uses up all descriptors has to have served something before, or reads reports of
#               errors that it does not have. With -fno-sanitize-recover it is ended by them.
#
# Needs Debian 12's binutils and libc6-dev, and the network for some 60 MB of packages, which are unpacked into a folder
# of its own. Exits 0 as long as it is so.
set -euo pipefail

version=12.2.0-14+deb12u1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

packages=(g++-12 gcc-12 cpp-12 gcc-12-base libgcc-12-dev libstdc++-12-dev libubsan1)
apt-get -q -o APT::Sandbox::User=root download "${packages[@]/%/=$version}" > apt.log 2>&1 ||
  { cat apt.log >&2; echo "cannot fetch the packages" >&2; exit 2; }
for package in *.deb; do dpkg-deb -x "$package" root; done

cat > shortage.cc <<'SOURCE'
#include <fcntl.h>

#include <cstdio>

struct Base {
  virtual ~Base() = default;
  virtual int value() { return 1; }
};
struct Derived : Base {
  int value() override { return 2; }
};

__attribute__((noinline)) int ask(Base& base) { return base.value(); }

int main(int count, char**) {
  Derived derived;
  if (count > 1) {
    while (open("/dev/null", O_RDONLY) >= 0) {
    }
  }
  std::printf("%d\n", ask(derived));
}
SOURCE
root/usr/bin/g++-12 -O0 -fsanitize=vptr shortage.cc -o shortage
export LD_LIBRARY_PATH=$folder/root/usr/lib/x86_64-linux-gnu

with=$(./shortage 2>&1)
without=$(ulimit -n 64; ./shortage now 2>&1)
echo "with descriptors:    $with"
echo "without descriptors: $without"
[ "$with" = 2 ] || { echo "changed: there is a report with descriptors, too" >&2; exit 1; }
[[ $without == *"does not point to an object of type 'Base'"*"object has invalid vptr"* ]] ||
  { echo "changed: no false report without descriptors" >&2; exit 1; }
[[ $without == *$'\n2' || $without == 2$'\n'* ]] || { echo "changed: the call itself goes wrong" >&2; exit 1; }
