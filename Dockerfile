# One recipe for every image. It takes jars that are built already (mvn -DskipTests package) and downloads nothing.
#   target service        tokenizer-service, feedback-service: --build-arg MODULE=…
#   target torch-service  trainer-service, inference-service, reward-service, with libtorch unpacked beside them
#   target torch-cuda-service  the same three with a libtorch for CUDA: --build-context libtorch-cuda=DIR, its unpacked folder
#   target launcher       the bardstream command, which gives a system its first text
ARG JAVA_VERSION=21

FROM eclipse-temurin:${JAVA_VERSION}-jre AS base
RUN install -d -o 10001 -g 10001 /var/lib/bardstream
ENV HOME=/tmp

FROM base AS launcher
COPY launcher/target/launcher.jar /opt/bardstream/
COPY launcher/target/lib/ /opt/bardstream/lib/
USER 10001
ENTRYPOINT ["java", "-Xmx192m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Dbardstream.root=/var/lib/bardstream", "-jar", "/opt/bardstream/launcher.jar"]

# 450 MB that three images share.
FROM launcher AS libtorch
USER 0
COPY trainer-service/target/quarkus-app/lib/ /opt/trainer/lib/
RUN DJL_CACHE_DIR=/opt/libtorch java -Dai.djl.offline=true \
      -cp "/opt/bardstream/launcher.jar:/opt/trainer/lib/boot/*:/opt/trainer/lib/main/*" \
      io.bardstream.launcher.TorchProbe && chmod -R a+rX /opt/libtorch

FROM base AS service
ARG MODULE
COPY ${MODULE}/target/quarkus-app/ /opt/bardstream/
USER 10001
ENTRYPOINT ["java", "-Dai.djl.offline=true", "-Djava.awt.headless=true", "-jar", "/opt/bardstream/quarkus-run.jar"]

FROM base AS torch-service
ARG MODULE
COPY --from=libtorch /opt/libtorch/ /opt/libtorch/
ENV DJL_CACHE_DIR=/opt/libtorch
COPY ${MODULE}/target/quarkus-app/ /opt/bardstream/
USER 10001
ENTRYPOINT ["java", "-Dai.djl.offline=true", "-Djava.awt.headless=true", "-jar", "/opt/bardstream/quarkus-run.jar"]

# Last, so that nobody else needs the folder. The 3 GB of it come from whoever builds; nothing is downloaded.
FROM base AS torch-cuda-service
ARG MODULE
ARG LIBTORCH_VERSION=2.7.1
ARG LIBTORCH_FLAVOR=cu128
COPY --from=libtorch-cuda lib/ /opt/libtorch/lib/
COPY ${MODULE}/target/quarkus-app/ /opt/bardstream/
ENV PYTORCH_LIBRARY_PATH=/opt/libtorch/lib \
    PYTORCH_VERSION=${LIBTORCH_VERSION} \
    PYTORCH_FLAVOR=${LIBTORCH_FLAVOR} \
    LD_LIBRARY_PATH=/opt/libtorch/lib \
    DJL_CACHE_DIR=${HOME}/djl \
    NVIDIA_VISIBLE_DEVICES=all \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility
USER 10001
ENTRYPOINT ["java", "-Dai.djl.offline=true", "-Djava.awt.headless=true", "-jar", "/opt/bardstream/quarkus-run.jar"]
