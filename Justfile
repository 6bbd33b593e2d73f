# One command each. `just` comes with `uv tool install rust-just`; every recipe is a plain command otherwise.

# lint, format, types, layers
check:
    uv run --frozen ruff check .
    uv run --frozen ruff format --check .
    uv run --frozen mypy
    uv run --frozen lint-imports

# all tests; those that need a DICOM peer program skip where it is not installed
test *ARGS:
    uv run --frozen pytest {{ARGS}}

# tests with branch coverage
coverage:
    uv run --frozen pytest --cov --cov-report=term

# format and mend what can be mended
fix:
    uv run --frozen ruff format .
    uv run --frozen ruff check --fix .

# the whole way on this machine
demo:
    uv run --frozen coronode demo
