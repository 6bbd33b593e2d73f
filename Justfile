# One recipe per task. Install `just` with `uv tool install rust-just`, or run a recipe's commands by hand.

# lint, format, types, layers
check:
    uv run --frozen ruff check .
    uv run --frozen ruff format --check .
    uv run --frozen mypy
    uv run --frozen lint-imports

# all tests on all cores; those that need a DICOM peer program are skipped if it is not installed
test *ARGS:
    uv run --frozen pytest -n auto --dist worksteal {{ARGS}}

# unit tests: those that start no node or server and need no other software
unit *ARGS:
    uv run --frozen pytest -m "not component and not peer and not train" {{ARGS}}

# tests with branch coverage
coverage:
    uv run --frozen pytest --cov --cov-report=term

# format, and fix what can be fixed automatically
fix:
    uv run --frozen ruff format .
    uv run --frozen ruff check --fix .

# the whole pipeline on this machine
demo:
    uv run --frozen coronode demo

# the nets from scratch: bodies, weights, models, measurements (needs PyTorch: see training/README.md)
train PYTHON="python":
    {{PYTHON}} -m training bodies chest --count 210
    {{PYTHON}} -m training bodies heart --count 118
    {{PYTHON}} -m training train chest --steps 2500
    {{PYTHON}} -m training train heart --steps 3000
    {{PYTHON}} -m training export chest
    {{PYTHON}} -m training export heart
    {{PYTHON}} -m training measure chest
    {{PYTHON}} -m training measure heart
