package io.bardstream.service;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PipedInputStream;
import java.io.PipedOutputStream;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class ParentWatchTest {
    @Test
    void actsWhenThePipeFromTheParentEnds() throws Exception {
        // Given
        CountDownLatch ended = new CountDownLatch(1);
        PipedOutputStream parent = new PipedOutputStream();
        ParentWatch.whenEnded(new PipedInputStream(parent), ended::countDown);
        parent.write('x');
        parent.flush();
        assertThat(ended.getCount()).isEqualTo(1);

        // When
        parent.close();

        // Then
        assertThat(ended.await(10, TimeUnit.SECONDS)).isTrue();
    }
}
