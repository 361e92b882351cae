package io.bardstream.trainer;

import io.bardstream.kernel.Compute;
import io.quarkus.runtime.StartupEvent;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import org.jboss.logging.Logger;

/** Loads libtorch when the service starts and says what it will train on: a trainer that cannot compute does not come up. */
@ApplicationScoped
class DeviceAtStart {
    private static final Logger LOG = Logger.getLogger(DeviceAtStart.class);

    void start(@Observes StartupEvent event) {
        LOG.infof("Training on %s", Compute.deviceFound());
    }
}
