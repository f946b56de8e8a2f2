# shellcheck shell=bash
# What scripts/run and scripts/test share: getting the packages that a build needs. Sourced, not run.

repo=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

# shellcheck disable=SC2034  # Those who source this use it.
build_packages=(
  ca-certificates cmake g++ libc-ares-dev libcli11-dev libcrypt-dev libfmt-dev libjansson-dev libssl-dev libuv1-dev ninja-build pkgconf
)

# Everything is said on stderr: stdout is the program's.
say() { echo "scripts/${0##*/}: $*" >&2; }
die() { say "$*"; exit 1; }

# quietly STEP COMMAND...: run with the output in build/STEP.log; when it fails, show the end of that.
quietly() {
  local step=$1 log=$repo/build/$1.log
  shift
  mkdir -p "$repo/build"
  "$@" > "$log" 2>&1 && return
  tail -n 25 "$log" >&2
  die "$step failed; all that it said is in $log"
}

# doing WHAT STEP COMMAND...: quietly, and what takes longer than a second is told: what it is, every 15 s how far ninja is,
# and how long it took.
doing() {
  local what=$1 step=$2 log=$repo/build/$2.log begin=$SECONDS teller
  shift
  mkdir -p "$repo/build"
  : > "$log"
  tell_progress "$what" "$log" "$begin" $$ &
  teller=$!
  # Or the teller would keep a pipe open for as long as nobody waits for this process.
  (quietly "$@") || { kill "$teller" 2> /dev/null; exit 1; }
  kill "$teller" 2> /dev/null || true
  wait "$teller" 2> /dev/null || true
  [ $((SECONDS - begin)) -lt 2 ] || say "$what: done after $((SECONDS - begin)) s, $SECONDS s in all"
}

# Ends by itself when process PID is gone: Ctrl-C ends that, and not what it has in the background.
tell_progress() {
  local what=$1 log=$2 begin=$3 pid=$4 told=0 part
  sleep 1
  while kill -0 "$pid" 2> /dev/null; do
    if [ $((SECONDS - begin)) -ge "$told" ]; then
      part=$(tr '\r' '\n' < "$log" | sed -n 's|^\[\([0-9]*\)/\([0-9]*\)\].*|, \1 of \2|p' | tail -n 1)
      [ "$told" = 0 ] && say "$what" || say "$what: $((SECONDS - begin)) s$part"
      told=$((SECONDS - begin + 15))
    fi
    sleep 1
  done
}

# A system on which the packages exist and are new enough. Others fail later, in cmake, with its words.
check_system() {
  local ID='' VERSION_ID='' PRETTY_NAME='this system' oldest=0
  # shellcheck source=/dev/null
  [ ! -r /etc/os-release ] || . /etc/os-release
  command -v apt-get > /dev/null ||
    die "$PRETTY_NAME has no apt-get; this script knows Debian 12, Ubuntu 24.04 and later ones."
  case $ID in
    debian) oldest=12 ;;
    ubuntu) oldest=24 ;;
  esac
  # Debian's testing and unstable have no number.
  [ -z "$VERSION_ID" ] || [ "${VERSION_ID%%.*}" -ge "$oldest" ] ||
    die "$PRETTY_NAME is too old; building culvert takes Debian 12, Ubuntu 24.04 or later."
}

# need_root WHY: sets as_root to what goes before a command that root must run.
as_root=()
need_root() {
  [ "$(id -u)" -ne 0 ] || return 0
  command -v sudo > /dev/null || die "not root, and no sudo here; let root run: $1"
  as_root=(sudo)
}

# The package lists may be missing or stale. Refreshing them is slow, so it is done only when it must be.
refresh_lists() {
  need_root "apt-get update"
  "${as_root[@]}" apt-get -q update
}
apt_with_lists() { "$@" || { refresh_lists && "$@"; }; }

installed() { [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2> /dev/null)" = installed ]; }
known() { apt-cache show "$1" > /dev/null 2>&1; }

# install_packages PACKAGE...: install those that are missing.
install_packages() {
  local package missing=()
  for package in "$@"; do
    installed "$package" || missing+=("$package")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  need_root "apt-get install --no-install-recommends ${missing[*]}"
  doing "installing ${missing[*]}" install apt_with_lists "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 \
    apt-get -q -o DPkg::Lock::Timeout=120 install -y --no-install-recommends "${missing[@]}"
}

# llhttp has a package of its own from Debian 13 on. Debian 12 has its sources, in a package that would bring all
# of Node.js with it. So that one is only unpacked, into build/deps, where cmake looks.
get_llhttp() {
  local deps=$repo/build/deps
  if installed libllhttp-dev || [ -e /usr/share/llhttp/llhttp.c ] || [ -e "$deps/usr/share/llhttp/llhttp.c" ]; then
    return
  fi
  known libllhttp-dev || known node-llhttp || doing "fetching the lists of packages" lists refresh_lists
  if known libllhttp-dev; then
    install_packages libllhttp-dev
    return
  fi
  rm -rf "$deps"
  mkdir -p "$deps.new"
  doing "unpacking node-llhttp into build/deps" llhttp apt_with_lists unpack node-llhttp "$deps.new"
  mv "$deps.new" "$deps"
}

# promtool has a package of its own from Debian 13 on. In Debian 12 it is in that of the Prometheus server, which would be
# started where it is installed. So it is only unpacked, into build/prometheus.
get_promtool() {
  local folder=$repo/build/prometheus package=prometheus
  if command -v promtool > /dev/null || [ -x "$folder/usr/bin/promtool" ]; then
    return
  fi
  known prometheus || doing "fetching the lists of packages" lists refresh_lists
  ! known promtool || package=promtool
  rm -rf "$folder" "$folder.new"
  mkdir -p "$folder.new"
  doing "unpacking $package into build/prometheus" promtool apt_with_lists unpack "$package" "$folder.new"
  mv "$folder.new" "$folder"
}

# unpack PACKAGE FOLDER: without installing it.
unpack() {
  rm -f "$2"/*.deb
  (cd "$2" && apt-get -q -o APT::Sandbox::User=root download "$1") && dpkg-deb -x "$2/$1"_*.deb "$2"
}

# get_packages PACKAGE...: these, and llhttp.
get_packages() {
  check_system
  install_packages "$@"
  get_llhttp
}
