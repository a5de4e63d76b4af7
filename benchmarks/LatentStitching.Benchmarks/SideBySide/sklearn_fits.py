"""The scikit-learn side of the comparison: fits what a folder holds, on one thread, and tells CPU seconds. Called by the benchmark program."""
import json
import sys
import time

import numpy as np
import sklearn
from sklearn.linear_model import LinearRegression, Ridge, RidgeCV

folder = sys.argv[1]
plan = json.load(open(f"{folder}/plan.json"))
n, rows, d, t = plan["n"], plan["n"] + plan["held"], plan["d"], plan["t"]
X = np.fromfile(f"{folder}/x.bin", dtype=np.float32).reshape(rows, d)
Y = np.fromfile(f"{folder}/y.bin", dtype=np.float32).reshape(rows, t)
makers = {
    "LinearRegression": lambda: LinearRegression(),
    "Ridge": lambda: Ridge(alpha=plan["alpha"]),
    "RidgeCV": lambda: RidgeCV(alphas=plan["alphas"]),
}
result = {"version": sklearn.__version__, "numpy": np.__version__}
for name in plan["fits"]:
    best = float("inf")
    for _ in range(plan["repeats"] if name != "RidgeCV" else 1):
        start = time.process_time()
        model = makers[name]().fit(X[:n], Y[:n])
        best = min(best, time.process_time() - start)
    model.predict(X[n:]).astype(np.float64).tofile(f"{folder}/{name}.bin")
    result[name] = best
json.dump(result, sys.stdout)
