# An image with the command claip-emo and all of its tools.
#
#   docker build -t claip_emo_mm .                                       torch as PyPI has it, with CUDA: 7 GB
#   docker build -t claip_emo_mm --build-arg TORCH_INDEX=... .           for CPUs, 2 GB; see docs/install.md
#   docker run --rm --gpus all --shm-size 8g -v "$PWD:/data" claip_emo_mm infer /data/talk.mp4 --checkpoint /data/model.pth
FROM python:3.13-slim
ARG TORCH_INDEX=
# OpenCV needs these.
RUN apt-get update && apt-get install -y --no-install-recommends libgl1 libglib2.0-0 libxcb1 && rm -rf /var/lib/apt/lists/*
WORKDIR /claip_emo_mm
COPY requirements/lock.txt .
RUN if [ -n "$TORCH_INDEX" ]; then \
        pip install --no-cache-dir --no-deps --index-url "$TORCH_INDEX" $(grep -E '^(torch|torchvision)==' lock.txt) && \
        sed -i -E '/^(nvidia-|cuda-|triton==)/d' lock.txt; \
    fi && pip install --no-cache-dir --no-deps -r lock.txt
COPY . .
RUN pip install --no-cache-dir --no-deps --no-build-isolation . && claip-emo doctor
WORKDIR /data
ENTRYPOINT ["claip-emo"]
