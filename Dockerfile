FROM python:3.13-slim
RUN pip install --no-cache-dir uv
WORKDIR /opt/coronode
COPY pyproject.toml uv.lock README.md LICENSE ./
COPY config config
COPY dicom dicom
COPY scoring scoring
COPY storage storage
COPY scp scp
# compiled here, because the image is read-only where it runs and an uncompiled start takes seconds longer
RUN UV_COMPILE_BYTECODE=1 uv sync --frozen --no-dev --no-editable --no-cache --extra postgres
# by number, so that an orchestrator can see that it is not root
RUN useradd --system --uid 10001 --user-group --create-home --home-dir /var/lib/coronode coronode && chmod 700 /var/lib/coronode
USER 10001:10001
WORKDIR /var/lib/coronode
ENV PATH=/opt/coronode/.venv/bin:$PATH CORONODE_NODE__HOST=0.0.0.0 PYTHONUNBUFFERED=1 \
    ORT_DISABLE_TELEMETRY=1 DBOS__CLOUD=false
VOLUME /var/lib/coronode
EXPOSE 11112 2762 8080
HEALTHCHECK --interval=30s --timeout=10s --start-period=120s CMD ["coronode", "ready"]
ENTRYPOINT ["coronode"]
CMD ["serve"]
