"""The scikit-learn side of the comparison: fits what a folder holds, on one thread, and tells CPU seconds. Called by the benchmark program."""
import json
import sys
import time

import numpy as np
import sklearn
from sklearn.linear_model import LinearRegression, Ridge, RidgeCV

folder = sys.argv[1]
plan = json.load(open(f"{folder}/plan.json"))
n, rows, d, t = plan["n"], plan["n"] + plan["held"], plan.get("d"), plan.get("t")
if "spaces" in plan:
    # All maps of a study: each space to each other one, and predictions of the held-out rows.
    spaces = [np.fromfile(f"{folder}/space{i}.bin", dtype=np.float32).reshape(rows, width) for i, width in enumerate(plan["spaces"])]
    seconds = {}
    for i, source in enumerate(spaces):
        for j, target in enumerate(spaces):
            if i == j:
                continue
            start = time.process_time()
            predictions = Ridge(alpha=plan["alpha"]).fit(source[:n], target[:n]).predict(source[n:])
            seconds[f"{i}-{j}"] = time.process_time() - start
            predictions.astype(np.float64).tofile(f"{folder}/{i}-{j}.bin")
            print(i, j, seconds[f"{i}-{j}"], file=sys.stderr, flush=True)
    json.dump(seconds, sys.stdout)
    sys.exit()
X = np.fromfile(f"{folder}/x.bin", dtype=np.float32).reshape(rows, d)
Y = np.fromfile(f"{folder}/y.bin", dtype=np.float32).reshape(rows, t)
makers = {
    "LinearRegression": lambda: LinearRegression(),
    "Ridge": lambda: Ridge(alpha=plan["alpha"]),
    "RidgeCV": lambda: RidgeCV(alphas=plan["alphas"]),
}
result = {"version": sklearn.__version__, "numpy": np.__version__}
for name in plan["fits"]:
    best, spent, repeat = float("inf"), 0.0, 0
    while repeat == 0 or (repeat < plan["repeats"] and spent < plan["budget"]):
        start = time.process_time()
        model = makers[name]().fit(X[:n], Y[:n])
        took = time.process_time() - start
        best, spent, repeat = min(best, took), spent + took, repeat + 1
    model.predict(X[n:]).astype(np.float64).tofile(f"{folder}/{name}.bin")
    result[name] = best
json.dump(result, sys.stdout)
