/**
 * The facts that travel between the services: one record for each kind of event, and {@link io.bardstream.event.Topics},
 * which lists every topic with its key, its value and how long it is kept. Knows nothing of Kafka clients or of DJL.
 */
package io.bardstream.event;
