# Prints, as assignments of a shell, where this machine keeps CUDA's libraries and headers: in the wheels beside PyTorch, or
# in a toolkit. What is set already stays.
#
#   eval "$(python3 gpu-libraries.py)"
#
# GPT_LIBCUBLASLT, GPT_LIBNVRTC   for gpt, which does not look into every Python
# CUDA_INCLUDES, CUDA_LINKS       folders, separated by spaces: to compile llm.c
import glob
import os
import re
import shlex
import sys
import sysconfig

LIBRARIES = {"GPT_LIBCUBLASLT": "libcublasLt", "GPT_LIBNVRTC": "libnvrtc"}

paths = sysconfig.get_paths()
places = dict.fromkeys([paths["purelib"], paths["platlib"], *filter(None, sys.path)])
wheels = [folder for place in places for folder in sorted(glob.glob(os.path.join(place, "nvidia", "*")))]
toolkits = [os.environ.get("CUDA_HOME", ""), "/usr/local/cuda", "/opt/cuda"]
roots = [root for root in [*wheels, *toolkits] if root]
links = [d for root in roots for d in (os.path.join(root, "lib"), os.path.join(root, "lib64")) if os.path.isdir(d)]
links += [d for d in ("/usr/lib/x86_64-linux-gnu",) if glob.glob(d + "/libcublasLt.so*")]
includes = [d for root in roots for d in (os.path.join(root, "include"),) if os.path.isdir(d)]


def version(file):
    found = re.fullmatch(r".*\.so\.(\d+)", file)
    return int(found.group(1)) if found else 0


for variable, stem in LIBRARIES.items():
    files = [f for d in links for f in glob.glob(os.path.join(d, stem + ".so.*")) if version(f) >= 12]
    if files and variable not in os.environ:
        print(f"export {variable}={shlex.quote(max(files, key=version))}")
print(f"CUDA_INCLUDES={shlex.quote(' '.join(includes))}")
print(f"CUDA_LINKS={shlex.quote(' '.join(links))}")
