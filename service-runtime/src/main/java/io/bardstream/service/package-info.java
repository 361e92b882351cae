/**
 * What every service does alike: it creates the topics, reads and writes events, answers wrong requests in OpenAI's error
 * shape, asks for the API key and has a page of its own.
 */
package io.bardstream.service;
