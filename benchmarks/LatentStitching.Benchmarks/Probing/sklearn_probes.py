"""The scikit-learn side: one attribute at a time on its own balanced rows, one thread, CPU seconds. Called by the benchmark program."""
import json
import sys
import time
import warnings

import numpy as np
import sklearn
from sklearn.linear_model import Lasso, LogisticRegression

warnings.simplefilter("ignore")
folder = sys.argv[1]
plan = json.load(open(f"{folder}/plan.json"))
n, d, k = plan["n"], plan["d"], plan["k"]
X = np.fromfile(f"{folder}/x.bin", dtype=np.float32).reshape(n, d)
Y = np.fromfile(f"{folder}/y.bin", dtype=np.int8).reshape(n, k)
makers = {
    "lasso": lambda: Lasso(alpha=plan["alpha"]),
    "logistic": lambda: LogisticRegression(C=1.0),
}
result = {"version": sklearn.__version__, "numpy": np.__version__}
for name, maker in makers.items():
    rows = []
    for j in range(plan["timed"]):
        used = Y[:, j] >= 0
        x, y = X[used], Y[used, j]
        start = time.process_time()
        model = maker().fit(x, y.astype(np.float32) if name == "lasso" else y)
        seconds = time.process_time() - start
        w = np.ravel(model.coef_).astype(np.float64)
        s = x.astype(np.float64) @ w + float(np.ravel(model.intercept_)[0])
        if name == "lasso":
            objective = np.mean((y - s) ** 2) / 2 + plan["alpha"] * np.abs(w).sum()
        else:
            objective = np.logaddexp(0, s).sum() - (y * s).sum() + w @ w / 2
        rows.append({"seconds": seconds, "iterations": int(np.ravel(model.n_iter_)[0]), "objective": float(objective)})
    result[name] = rows
json.dump(result, sys.stdout)
