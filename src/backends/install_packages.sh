#!/bin/sh
# Installs what the native backend is built with, where Debian's apt is: g++, cmake, make, and oneDNN for products of bfloat16.
# Anywhere else, or without the right to install, it says so and succeeds: gpt then builds with what is there.
set -u
missing=""
for program in g++ cmake make "$@"; do command -v "$program" >/dev/null 2>&1 || missing="$missing $program"; done
[ -e /usr/include/oneapi/dnnl/dnnl.h ] || missing="$missing libdnnl-dev"
[ -z "$missing" ] && exit 0
if ! command -v apt-get >/dev/null 2>&1; then
  echo "gpt: not installed, and there is no apt to install it with:$missing" >&2
  exit 0
fi
as_root=""
if [ "$(id -u)" != 0 ]; then
  as_root="sudo"
  command -v sudo >/dev/null 2>&1 || { echo "gpt: please install as root:$missing" >&2; exit 0; }
fi
echo "gpt: installing$missing"
export DEBIAN_FRONTEND=noninteractive
# shellcheck disable=SC2086  # words are wanted
$as_root apt-get install -y -qq $missing >/dev/null 2>&1 ||
  { $as_root apt-get update -qq && $as_root apt-get install -y -qq $missing >/dev/null; } ||
  echo "gpt: could not install$missing; going on without" >&2
exit 0
