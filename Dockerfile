# One image, the command chosen by argument:
#   docker run --rm -v "$PWD:/data" isocentra bolus inspect /data/bolus.stl
FROM python:3.11-slim-bookworm AS build
RUN apt-get update \
    && apt-get install --yes --no-install-recommends g++ \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY pyproject.toml CMakeLists.txt requirements.lock README.md LICENSE NOTICE ./
COPY core core
COPY gpu_kernels gpu_kernels
COPY bolus3d bolus3d
COPY services services
# The build tools are locked like everything else, and stay in an environment of their own.
RUN python -m venv /opt/build \
    && /opt/build/bin/pip install --no-cache-dir --constraint requirements.lock \
        cmake ninja scikit-build-core \
    && /opt/build/bin/pip wheel --no-deps --no-build-isolation --wheel-dir /opt/wheel .
RUN python -m venv /opt/isocentra \
    && /opt/isocentra/bin/pip install --no-cache-dir --constraint requirements.lock \
        /opt/wheel/*.whl

FROM python:3.11-slim-bookworm
# rt-utils, which appends to structure sets, brings an OpenCV that needs these two.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends libgl1 libglib2.0-0 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 10001 --create-home isocentra
COPY --from=build /opt/isocentra /opt/isocentra
ENV PATH=/opt/isocentra/bin:$PATH
USER isocentra
WORKDIR /data
ENTRYPOINT ["isocentra"]
CMD ["--help"]
