package io.bardstream.service;

import io.bardstream.event.EventJson;
import io.bardstream.event.TokenBlock;
import java.util.Map;
import org.apache.kafka.common.header.Headers;
import org.apache.kafka.common.serialization.Serializer;

/**
 * Writes any event: a {@link TokenBlock} as its binary value with its headers, every other one as JSON. Null, a tombstone,
 * stays null; bytes, such as a dead letter's, stay as they are.
 */
public final class EventSerializer implements Serializer<Object> {
    @Override
    public byte[] serialize(String topic, Object event) {
        if (event == null || event instanceof byte[]) {
            return (byte[]) event;
        }
        return event instanceof TokenBlock block ? block.value() : EventJson.write(event);
    }

    @Override
    public byte[] serialize(String topic, Headers headers, Object event) {
        byte[] value = serialize(topic, event);
        if (event instanceof TokenBlock block) {
            for (Map.Entry<String, byte[]> header : block.headers(value).entrySet()) {
                headers.remove(header.getKey());
                headers.add(header.getKey(), header.getValue());
            }
        }
        return value;
    }
}
