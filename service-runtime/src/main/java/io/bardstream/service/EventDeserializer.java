package io.bardstream.service;

import io.bardstream.event.EventJson;
import io.bardstream.event.TokenBlock;
import io.bardstream.event.Topics;
import java.util.HashMap;
import java.util.Map;
import org.apache.kafka.common.errors.SerializationException;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.Headers;
import org.apache.kafka.common.serialization.Deserializer;

/**
 * Reads the event that {@link Topics} names for a topic. A record that is not one is a {@link SerializationException}, which
 * the channel turns into a dead letter.
 */
public final class EventDeserializer implements Deserializer<Object> {
    @Override
    public Object deserialize(String topic, byte[] value) {
        throw new SerializationException("an event of " + topic + " is read together with its headers");
    }

    @Override
    public Object deserialize(String topic, Headers headers, byte[] value) {
        if (value == null) {
            return null;
        }
        Class<?> type = Topics.byName(topic)
                .orElseThrow(() -> new SerializationException("'" + topic + "' is not a topic of Bardstream"))
                .value();
        try {
            return type == TokenBlock.class ? TokenBlock.read(byName(headers), value) : EventJson.read(value, type);
        } catch (RuntimeException e) {
            throw new SerializationException("not a record of " + topic + ": " + e.getMessage(), e);
        }
    }

    private static Map<String, byte[]> byName(Headers headers) {
        Map<String, byte[]> values = new HashMap<>();
        for (Header header : headers) {
            values.put(header.key(), header.value());
        }
        return values;
    }
}
