#!/bin/sh
# llm.c's GPU trainer as a peer: gpu-check.sh calls this.
#
#   sh gpu-llmc.sh build FOLDER                        compiles FOLDER/llm.c, with cuDNN where its headers are to be had;
#                                                      what was compiled before, elsewhere, is taken if it loads
#   sh gpu-llmc.sh run FOLDER MODEL BATCH T STEPS      trains a random model (d12: GPT-2 124M) on random tokens
#
# Needs nvcc, and cuBLAS in a toolkit or in the wheels beside PyTorch; ends with 77 where something is not there.
set -eu

what=$1 folder=$2
absent() { echo "$1" >&2 && exit 77; }
[ -d "$folder/llm.c" ] || absent "no sources of llm.c in the pack"
eval "$(python3 "$(dirname "$0")/gpu-libraries.py")"
for link in $CUDA_LINKS; do LD_LIBRARY_PATH=${LD_LIBRARY_PATH:+$LD_LIBRARY_PATH:}$link; done
export LD_LIBRARY_PATH
loads() { [ -x train_gpt2cu ] && ! ldd train_gpt2cu | grep -q 'not found'; }
attention() { if ldd train_gpt2cu | grep -q libcudnn; then echo "attention by cuDNN"; else echo "its slow attention"; fi; }

if [ "$what" = build ]; then
  cd "$folder/llm.c"
  if loads; then attention && exit 0; fi
  PATH=$PATH:${CUDA_HOME:-/usr/local/cuda}/bin
  command -v nvcc >/dev/null || absent "no nvcc"
  find_one() { # the first folder of a list that has a file of this name
    for candidate in $2; do
      for file in "$candidate"/$1; do
        if [ -e "$file" ]; then echo "$file" && return; fi
      done
    done
  }
  [ -n "$(find_one cublasLt.h "$CUDA_INCLUDES")" ] || absent "no cublasLt.h"
  cublas=$(find_one 'libcublas.so*' "$CUDA_LINKS")
  cublaslt=$(find_one 'libcublasLt.so*' "$CUDA_LINKS")
  [ -n "$cublas" ] && [ -n "$cublaslt" ] || absent "no libcublas"
  # CUDA 13 takes a location in place of a device's number; NVML would need a library more
  case $(nvcc --version) in
    *'release 1'[3-9]*) sed -i 's/cudaCpuDeviceId)/cudaMemLocation{cudaMemLocationTypeHost, 0})/' llmc/cuda_utils.cuh ;;
  esac
  sed -i 's/__has_include(<nvml.h>)/0/' llmc/mfu.h
  flags="-O3 -t=0 --use_fast_math -std=c++17 -DENABLE_BF16"
  flags="$flags -arch=sm_$(nvidia-smi --query-gpu=compute_cap --format=csv,noheader | head -1 | tr -d .)"
  for include in $CUDA_INCLUDES; do flags="$flags -I$include"; done
  linked() { echo "-L$(dirname "$1") -l:$(basename "$1")"; } # nvcc does not know NAME.so.13 as a library
  cudnn=$(find_one 'libcudnn.so*' "$CUDA_LINKS")
  nvrtc=$(find_one 'libnvrtc.so*' "$CUDA_LINKS") # cudnn-frontend needs it
  if [ -e ../cudnn-frontend ] && [ -n "$cudnn" ] && [ -n "$nvrtc" ] && [ -n "$(find_one cudnn.h "$CUDA_INCLUDES")" ] &&
    nvcc $flags -DENABLE_CUDNN -I../cudnn-frontend/include train_gpt2.cu llmc/cudnn_att.cpp -o train_gpt2cu \
      $(linked "$cublas") $(linked "$cublaslt") $(linked "$cudnn") $(linked "$nvrtc"); then
    attention
  else
    nvcc $flags train_gpt2.cu -o train_gpt2cu $(linked "$cublas") $(linked "$cublaslt")
    attention
  fi
  exit 0
fi

model=$3 batch=$4 context=$5 steps=$6
cd "$folder/llm.c"
loads || absent "llm.c was not built"
python3 - <<'P'
import array, random
draw = random.Random(1)
header = array.array("i", [20240520, 1, 1 << 21] + [0] * 253)
tokens = array.array("H", (int(50257 * draw.random()) for _ in range(1 << 21)))
with open("tokens.bin", "wb") as file:
    file.write(header.tobytes() + tokens.tobytes())
P
# -r 0: nothing is computed twice, as in ours; with little memory -r 1, its default
for recompute in 0 1; do
  ./train_gpt2cu -i tokens.bin -j tokens.bin -e "$model" -b "$batch" -t "$context" -d $((batch * context)) -x "$steps" \
    -v 100000 -m 1 -s 0 -h 0 -ge 1 -r $recompute && exit 0
done
exit 1
