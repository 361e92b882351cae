/**
 * The {@code bardstream} command. {@code up} runs everything on one machine as processes of their own ({@link io.bardstream.launcher.LocalSystem}) and
 * drives the services over HTTP from a text to a served model ({@link io.bardstream.launcher.TextToModel}); the other commands are their clients.
 */
package io.bardstream.launcher;
