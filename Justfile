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

# what an installation contains, with versions and hashes, as CycloneDX: packages, and scripts of the pages
sbom:
    mkdir -p dist
    uv export --quiet --frozen --no-dev --all-extras --format cyclonedx1.5 --output-file dist/coronode.cdx.json
    npm sbom --prefix scp/web/browser --sbom-format cyclonedx --omit dev --package-lock-only > dist/pages.cdx.json

# the licences of what an installation contains: docs/licences.md
licences:
    uv run --frozen --all-extras python deploy/licences.py

# the nets from scratch within an hour: bodies, weights, models, measurements (needs PyTorch: see training/README.md)
train PYTHON="python" MINUTES="60":
    MALLOC_MMAP_THRESHOLD_=17179869184 MALLOC_TRIM_THRESHOLD_=17179869184 MALLOC_TOP_PAD_=268435456 \
        {{PYTHON}} -m training all --minutes {{MINUTES}}
    cp training-data/*.onnx scoring/anatomy/weights/
