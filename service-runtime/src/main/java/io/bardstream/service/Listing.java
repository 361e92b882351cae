package io.bardstream.service;

import java.util.List;

/** The body of every answer that is a list, in OpenAI's shape: {@code {"object":"list","data":[…]}}. */
public record Listing<T>(String object, List<T> data) {
    public static <T> Listing<T> of(List<T> data) {
        return new Listing<>("list", data);
    }
}
