package io.bardstream.launcher;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bardstream.embedded.FreePort;
import java.net.InetAddress;
import java.net.ServerSocket;
import org.junit.jupiter.api.Test;

class PreflightTest {
    @Test
    void aTakenPortIsNamedWithItsHolderAndAWayOut() throws Exception {
        // Given
        Ports ports = freeBase();
        try (ServerSocket holder = new ServerSocket(ports.of(Service.TRAINER), 1, InetAddress.getLoopbackAddress())) {
            // When, Then
            assertThatThrownBy(() -> Preflight.portsAreFree(ports))
                    .isInstanceOf(CommandFailure.class)
                    .hasMessageContaining(holder.getLocalPort() + " (trainer)")
                    .hasMessageContaining("pid " + ProcessHandle.current().pid())
                    .hasMessageContaining("--port-base");
        }
    }

    @Test
    void freePortsPass() {
        assertThatCode(() -> Preflight.portsAreFree(freeBase())).doesNotThrowAnyException();
    }

    private static Ports freeBase() {
        while (true) {
            Ports ports = new Ports(FreePort.any());
            if (ports.all().keySet().stream().allMatch(FreePort::isFree)) {
                return ports;
            }
        }
    }
}
