package io.bardstream.service;

import io.bardstream.event.Ids;
import java.nio.charset.StandardCharsets;
import java.util.Base64;

/** A small page that needs no other file, so it can be shown before anyone has signed in. */
final class PlainPage {
    private static final String STYLE = """
            :root { color-scheme: light dark; accent-color: #2f5d50 }
            body { font: 1.05rem/1.6 system-ui, sans-serif; max-width: 40rem; margin: 4rem auto; padding: 0 1rem }
            input, button { font: inherit; padding: .4rem .7rem }
            """;

    private PlainPage() {}

    /**
     * @param title plain text
     * @param body HTML; text in it must be {@link #escaped}
     */
    static String of(String title, String body) {
        return """
                <!doctype html>
                <html lang="en">
                <head>
                <meta charset="utf-8">
                <meta name="viewport" content="width=device-width, initial-scale=1">
                <title>Bardstream · %s</title>
                <style>%s</style>
                </head>
                <body>
                <main>
                %s</main>
                </body>
                </html>
                """.formatted(escaped(title), STYLE, body);
    }

    /** What a Content-Security-Policy calls the style of these pages. */
    static String styleHash() {
        byte[] digest = Ids.sha256().digest(STYLE.getBytes(StandardCharsets.UTF_8));
        return "'sha256-" + Base64.getEncoder().encodeToString(digest) + "'";
    }

    /** Text as it may stand between tags and in a quoted attribute. */
    static String escaped(String text) {
        return text.replace("&", "&amp;")
                .replace("<", "&lt;")
                .replace(">", "&gt;")
                .replace("\"", "&quot;")
                .replace("'", "&#39;");
    }
}
