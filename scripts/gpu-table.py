# Reads what the stages of gpu-check.sh said, writes all of it into result.json, and prints a table of what was found and
# a table of speeds. Exits with 1 if a stage failed or ran out of its time.
#
#   python3 gpu-table.py gpu-results
#
# MFU is held against 989 TFLOP/s, an H100's or H200's dense bf16 products, and counts 6 N + 6 L T C operations a token:
# causal attention once. N is that of the model itself, whatever padding a program adds.
import json
import math
import os
import re
import statistics
import sys

PEAK = 989e12
MODELS = {  # parameters, layers, width
    "tiny": (120640, 2, 64),  # test/cuda/tiny.yaml
    "mini": (10844160, 6, 384),
    "gpt2-124m": (124439808, 12, 768),
    "gpt2-355m": (354823168, 24, 1024),
}
OF_STAGE = {"tiny": "tiny", "mini": "mini", "124m": "gpt2-124m", "355m": "gpt2-355m"}
folder = sys.argv[1]


def read(name):
    path = os.path.join(folder, name)
    return open(path, encoding="utf-8", errors="replace").read() if os.path.exists(path) else ""


def json_lines(text):
    found = []
    for line in text.splitlines():
        if line.startswith("{"):
            try:
                found.append(json.loads(line))
            except ValueError:
                pass  # a line that was cut off
    return found


def llmc_speed(text):
    """Median of the steps after the tenth, or of all where there are fewer: of llm.c's own times."""
    steps = re.findall(r"^step +(\d+)/.*\| loss ([\d.]+) .*\| ([\d.]+) ms \|", text, re.MULTILINE)
    ms = [float(ms) for step, _, ms in steps if int(step) > min(10, len(steps) - 1)]
    memory = re.search(r"device memory usage: (\d+) MiB", text)
    shape = {name: re.search(rf"^\| {name} +\| (\d+)", text, re.MULTILINE) for name in ("micro batch size B", "sequence length T")}
    if not ms or not all(shape.values()):
        return None
    batch, context = (int(found.group(1)) for found in shape.values())
    return {
        "peer": "llm.c, " + (read("llmc-build.txt").splitlines() or [""])[0],
        "batch": batch,
        "n_ctx": context,
        "step_s": statistics.median(ms) / 1000,
        "tokens_per_s": batch * context / statistics.median(ms) * 1000,
        "loss": float(steps[-1][1]),
        "peak_mem_gib": int(memory.group(1)) / 1024 if memory else None,
    }


def number(value):
    """A number of a JSON that writes what is none as text or null."""
    found = float("nan" if value is None else value)
    return math.inf if math.isnan(found) else found


def worst(rows):
    row = max(rows, key=lambda row: number(row["error"]) / (row["tolerance"] or 1e-30))  # 0: exact, or wrong
    return f"{row.get('what') or row['kernel'] + ' ' + row['label']}: {number(row['error']):.1e} of {row['tolerance']:.1e}"


def finding(name, data, text):
    """A line on what a stage found."""
    last = data[-1] if data else {}
    if name.startswith("selftest") and last:
        results = last["results"]
        wrong = [f"{r['kernel']} {r['label']}" for r in results if not r["ok"]]
        checked = [r for r in results if r["error"] is not None]
        said = f"{len(results) - len(wrong)} of {len(results)} cases right"
        if wrong:
            return f"{said}; WRONG: {', '.join(wrong[:4])}{' ...' if len(wrong) > 4 else ''}"
        return f"{said}; nearest to its tolerance: {worst(checked)}" if checked else said
    if name.startswith("parity") and data:
        within = sum(d["ok"] for d in data)
        return f"{within} of {len(data)} within the tolerances; nearest: {worst([r for d in data for r in d['rows']])}"
    if name.startswith("curve") and last:
        said = f"first losses {number(last['first']):.1e} of {last['tolerance']['first']:.0e} apart"
        if last["steps"] > 10:
            said += f", the last {number(last['last']):.1e} of {last['tolerance']['last']:.0e}"
        return f"{said}; {last['steps']} steps of {number(last['step_ms']):.1f} ms"
    if name.startswith("bench"):
        return f"host {last['host_ms']} ms a step, loss {last['loss']}" if "host_ms" in last else ""
    if name.startswith("profile") and "profile" in last:
        rows = last["profile"][:4]
        return ", ".join(f"{row['name']} {100 * row['share']:.0f} %" for row in rows)
    if name == "doctor":
        lines = [line for line in text.splitlines() if line[2:7].strip() == "cuda"]
        return " ".join(lines[0].split()[2:]) if lines else ""
    if name == "nvidia-smi":
        return text.splitlines()[-1] if text else ""
    return text.splitlines()[0] if name in ("addon", "llmc-build") and text else ""


def speed_row(name, data, text):
    """What a stage timed, or None."""
    if not re.match("(bench|torch|llmc)-(tiny|mini|124m|355m)", name):
        return None
    found = llmc_speed(text) if name.startswith("llmc") else (data[-1] if data else None)
    if not found or "tokens_per_s" not in found:
        return None
    model = OF_STAGE[name.split("-")[1]]
    parameters, layers, width = MODELS[model]
    context = found.get("n_ctx") or found["context"]
    operations = 6 * parameters + 6 * layers * context * width
    return {
        "stage": name,
        "who": found.get("peer") or f"gpt {found['precision']}",
        "ours": "peer" not in found,
        "model": model,
        "batch": found["batch"],
        "n_ctx": context,
        "ms": 1000 * found["step_s"],
        "tokens_per_s": found["tokens_per_s"],
        "mfu": found["tokens_per_s"] * operations / PEAK,
        "peak_mem_gib": found["peak_mem_gib"],
        "loss": found["loss"],
    }


stages = json_lines(read("stages.jsonl"))
speeds = []
for stage in stages:
    text = read(stage["stage"] + ".txt")
    data = json_lines(text)
    stage["output"] = data if data else text[-20000:]
    stage["errors"] = read(stage["stage"] + ".err")[-4000:]
    try:
        stage["finding"] = finding(stage["stage"], data, text)
        row = speed_row(stage["stage"], data, text)
    except (ArithmeticError, LookupError, TypeError, ValueError) as error:  # one odd output must not cost the others theirs
        stage["finding"], row = f"unreadable: {error!r}", None
    if row:
        speeds.append(row)
for row in speeds:
    own = [r["tokens_per_s"] for r in speeds if r["ours"] and r["model"] == row["model"]]
    row["ratio"] = statistics.mean(own) / row["tokens_per_s"] if own else None
with open(os.path.join(folder, "result.json"), "w", encoding="utf-8") as file:
    json.dump({"pack": json.loads(read("pack.json") or "null"), "stages": stages, "speeds": speeds}, file, indent=1)

print()
for stage in stages:
    print(f"{stage['stage']:<18}{stage['status']:<9}{stage['finding']}")
    if stage["status"] not in ("ok", "no time"):
        last = [line for line in stage["errors"].splitlines() if line.strip()][-3:]
        print("".join(f"{'':27}| {line[:160]}\n" for line in last), end="")
if speeds:
    print()
    head = ("stage", "program", "model", "B x T", "ms", "tok/s", "MFU", "GiB", "loss", "gpt is")
    print("{:<18}{:<44}{:<11}{:>10}{:>10}{:>10}{:>8}{:>8}{:>9}{:>8}".format(*head))
    for row in speeds:
        memory = "-" if row["peak_mem_gib"] is None else f"{row['peak_mem_gib']:.1f}"
        ratio = "-" if row["ours"] or row["ratio"] is None else f"{row['ratio']:.2f} x"
        print(
            f"{row['stage']:<18}{row['who'][:43]:<44}{row['model']:<11}{row['batch']:>4} x {row['n_ctx']:<4}{row['ms']:>9.1f}"
            f"{row['tokens_per_s']:>10.0f}{100 * row['mfu']:>6.1f} %{memory:>8}{row['loss']:>9.3f}{ratio:>8}"
        )
    print("MFU: 6 N + 6 L T C operations a token, against 989 TFLOP/s (H100 and H200, dense bf16)")
sys.exit(any(stage["status"] in ("failed", "timeout") for stage in stages))
