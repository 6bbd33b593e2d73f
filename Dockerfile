FROM python:3.13-slim
RUN pip install --no-cache-dir uv
WORKDIR /opt/coronode
COPY pyproject.toml uv.lock README.md LICENSE ./
COPY config config
COPY dicom dicom
COPY scoring scoring
COPY storage storage
COPY scp scp
RUN uv sync --frozen --no-dev --no-editable --extra postgres
RUN useradd --system --create-home --home-dir /var/lib/coronode coronode && chmod 700 /var/lib/coronode
USER coronode
WORKDIR /var/lib/coronode
ENV PATH=/opt/coronode/.venv/bin:$PATH CORONODE_NODE__HOST=0.0.0.0 \
    ORT_DISABLE_TELEMETRY=1 DBOS__CLOUD=false
VOLUME /var/lib/coronode
EXPOSE 11112 2762
ENTRYPOINT ["coronode"]
CMD ["serve"]
