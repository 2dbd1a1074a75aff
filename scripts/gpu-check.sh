#!/bin/sh
# Everything that is to be known of gpt on a GPU, in ten minutes at most: is it right, how fast is it, how fast are others?
#
#   sh gpu-check.sh [--quick] [--seconds 590] [--only REGEX]
#
# Runs in the folder that gpu-pack.mjs made, or beside it. Needs a shell, coreutils, tar, python3 and NVIDIA's driver; no
# Node, no network. Each stage has a limit of its own and the next one starts whatever became of it; what it says goes to
# $OUT (default: ./gpu-results) as it comes: NAME.txt, NAME.err and a line in stages.jsonl. In the end gpu-table.py puts all
# of it into result.json and prints a table. Exits with 1 if a stage went wrong.
#
#   --quick   tiny sizes: a rehearsal, also of a simulated GPU      --only   just the stages whose name matches
#   PYTHON    the Python that has PyTorch; default: python3, or /usr/bin/python3
set -u

QUICK=no SECONDS_IN_ALL=590 ONLY=.
while [ $# -gt 0 ]; do
  case $1 in
    --quick) QUICK=yes ;;
    --seconds) SECONDS_IN_ALL=$2 && shift ;;
    --only) ONLY=$2 && shift ;;
    *) echo "usage: gpu-check.sh [--quick] [--seconds N] [--only REGEX]" >&2 && exit 2 ;;
  esac
  shift
done

HERE=$(cd "$(dirname "$0")" && pwd)
PACK=$HERE
[ -e "$PACK/pack.json" ] || PACK=$HERE/../.gpu
[ -e "$PACK/pack.json" ] || { echo "gpu-check: no pack beside this script: node scripts/gpu-pack.mjs" >&2 && exit 2; }
OUT=${OUT:-gpu-results}
mkdir -p "$OUT" && OUT=$(cd "$OUT" && pwd) || exit 2
rm -f "$OUT"/*.txt "$OUT"/*.err "$OUT"/stages.jsonl "$OUT"/result.json
cp "$PACK/pack.json" "$OUT/pack.json"
WORK=$(mktemp -d) || exit 2
trap 'rm -rf "$WORK"' EXIT
trap 'exit 130' INT TERM
END=$(($(date +%s) + SECONDS_IN_ALL))
export GPT_CACHE="$WORK/cache" PYTHONUNBUFFERED=1

record() { # NAME STATUS EXIT SECONDS
  printf '{"stage": "%s", "status": "%s", "exit": %s, "seconds": %s}\n' "$@" >>"$OUT/stages.jsonl"
  printf '%-18s %-8s %4s s\n' "$1" "$2" "$4"
}

# stage NAME SECONDS COMMAND...: exit code 77 means that what it needs is not on this machine.
stage() {
  name=$1 limit=$2
  shift 2
  echo "$name" | grep -Eq -- "$ONLY" || return 0
  started=$(date +%s)
  left=$((END - started))
  [ "$left" -ge "$limit" ] || limit=$left
  [ "$limit" -ge 5 ] || { record "$name" 'no time' null 0 && return 0; }
  timeout -k 5 "$limit" "$@" >"$OUT/$name.txt" 2>"$OUT/$name.err" </dev/null
  code=$?
  case $code in
    0) status=ok ;;
    77) status=absent ;;
    124 | 137) status=timeout ;;
    *) status=failed ;;
  esac
  record "$name" $status $code $(($(date +%s) - started))
}

# The same command with smaller and smaller batches, until one fits: sh -c "$FITTING" '64 32' COMMAND...
FITTING='for batch in $0; do "$@" --batch "$batch" && exit 0; done; exit 1'

# ---- the parts of the pack

UNPACK='cd "$2" || exit 1
plain() {
  if command -v xz >/dev/null; then xz -dc "$1"; else
    python3 -c "import lzma, shutil, sys; shutil.copyfileobj(lzma.open(sys.argv[1]), sys.stdout.buffer, 1 << 20)" "$1"
  fi
}
plain "$1/node.xz" >node && chmod +x node || exit 1
for name in gpt peers; do
  mkdir $name
  [ ! -e "$1/$name.tar.xz" ] || plain "$1/$name.tar.xz" | tar -C $name -xf - || exit 1
done'
ASKED=$ONLY ONLY=.
stage unpack 60 sh -c "$UNPACK" sh "$PACK" "$WORK"
ONLY=$ASKED
"$WORK/node" --version >/dev/null || exit 1
GPT="$WORK/node $WORK/gpt/bin/gpt.js"
FIXTURES=$WORK/gpt/test/fixtures
eval "$(python3 "$PACK/gpu-libraries.py")"

PEER=
for python in ${PYTHON:-python3 /usr/bin/python3}; do
  "$python" -c 'import importlib.util, sys; sys.exit(importlib.util.find_spec("torch") is None)' 2>/dev/null || continue
  PEER=$python && break
done
[ -e "$WORK/peers/torch_gpt2.py" ] || PEER=
torch() { # NAME SECONDS BATCHES FLAGS...
  name=$1 limit=$2 batches=$3
  shift 3
  if [ -n "$PEER" ]; then
    stage "$name" "$limit" sh -c "$FITTING" "$batches" "$PEER" "$WORK/peers/torch_gpt2.py" "$@"
  else
    stage "$name" 5 sh -c 'echo "no PyTorch, or no script for it" >&2; exit 77'
  fi
}

# ---- is it right?

stage nvidia-smi 20 sh -c 'command -v nvidia-smi >/dev/null || exit 77; nvidia-smi \
  --query-gpu=name,driver_version,compute_cap,memory.total,clocks.sm,clocks.max.sm,power.limit,temperature.gpu --format=csv'
# The addon was compiled for an older or a newer C library? Then it is compiled here.
stage addon 90 sh -c 'cd "$1/gpt" && load() { "$1/node" -e "require(\"$1/gpt/build/cuda/cuda.node\")"; }
  load "$1" && exit 0
  command -v g++ >&2 || exit 1
  mkdir "$1/objects"
  for source in src/backends/cuda/*.cc src/ops/*/*.cuda.cc src/ops/*/*/*.cuda.cc; do echo "$source"; done |
    xargs -P 16 -I FILE sh -c "g++ -std=c++17 -O2 -fPIC -fvisibility=hidden -DNAPI_VERSION=8 \
      -DNODE_ADDON_API_CPP_EXCEPTIONS -Isrc/backends/cuda -Inode_modules/node-addon-api \
      -Inode_modules/node-api-headers/include -c FILE -o \"$1\"/objects/\$(basename FILE).o" || exit 1
  g++ -shared -o build/cuda/cuda.node "$1"/objects/*.o -ldl -lpthread && echo "compiled here" && load "$1"' sh "$WORK"
stage doctor 30 $GPT doctor

if [ $QUICK = yes ]; then
  stage selftest 60 $GPT selftest --json --only "${SELFTEST:-LayerNorm}"
  for precision in fp32 tf32 bf16; do
    stage parity-$precision 60 $GPT parity "$FIXTURES/gpt2-tiny-erf" --backend cuda --precision $precision --json
  done
  for precision in fp32 bf16; do
    stage curve-$precision 60 "$WORK/node" "$WORK/gpt/scripts/gpu-curve.mjs" --precision $precision --steps 2
  done
  BENCH="$GPT bench --backend cuda --model $WORK/gpt/test/cuda/tiny.yaml --precision bf16 --quiet --warmup 1 --steps 2"
  stage bench-tiny 60 $BENCH --batch 1
  stage profile-tiny 60 $BENCH --batch 1 --profile --json
  torch torch-mini 60 1 --model mini --context 16 --steps 1 --device cpu
  stage llmc-build 130 sh "$PACK/gpu-llmc.sh" build "$WORK/peers"
  stage llmc-mini 60 sh "$PACK/gpu-llmc.sh" run "$WORK/peers" d6 4 64 12
  stage bench-tiny-again 60 $BENCH --batch 1
else
  stage selftest 90 $GPT selftest --json
  for precision in fp32 tf32 bf16; do
    stage parity-$precision 40 $GPT parity "$FIXTURES"/*-tiny* --backend cuda --precision $precision --json
  done
  for precision in fp32 bf16; do
    stage curve-$precision 60 "$WORK/node" "$WORK/gpt/scripts/gpu-curve.mjs" --precision $precision
  done

  # ---- how fast is it? Ours before and after the peers: clocks and heat show as a difference.

  BENCH="$GPT bench --backend cuda --n-ctx 1024 --precision bf16 --quiet --warmup 10"
  stage bench-124m 60 sh -c "$FITTING" '64 32 16' $BENCH --model gpt2-124m --steps 40
  stage profile-124m 60 sh -c "$FITTING" '64 32 16' $BENCH --model gpt2-124m --steps 10 --profile --json
  torch torch-124m 170 '64 32 16' --model gpt2-124m --context 1024 --steps 40 --device cuda --compile
  stage llmc-build 130 sh "$PACK/gpu-llmc.sh" build "$WORK/peers"
  stage llmc-124m 40 sh "$PACK/gpu-llmc.sh" run "$WORK/peers" d12 64 1024 40
  stage bench-124m-again 60 sh -c "$FITTING" '64 32 16' $BENCH --model gpt2-124m --steps 40
  stage bench-355m 60 sh -c "$FITTING" '64 32 16 8' $BENCH --model gpt2-355m --steps 20
  stage selftest-large 60 $GPT selftest --large --json
  torch torch-355m 120 '32 16 8' --model gpt2-355m --context 1024 --steps 20 --device cuda --compile
fi

python3 "$PACK/gpu-table.py" "$OUT"
