// Package app puts the gateway together. It is the only room that knows all the
// others: it turns a [config.File] into the options of each of them, starts them
// in order, and ends them in the opposite order. It has no request logic.
//
// [Check] judges all that can be judged without a network: certificates,
// authorities, key sets, names, filters and mapping files. [New] builds what
// Check approved of, from the directory upwards:
//
//	tlspolicy → ldapclient → auth → gateway → crest → httpserver
//
// Where the configuration has an admin listener, telemetry measures the others, and a
// second httpserver shows it.
//
// [App.Run] listens, says so in one line on standard output, and serves:
//
//  1. the listeners are opened; a port that is taken ends it here,
//  2. the directory is probed in the background, until it has answered once,
//  3. SIGHUP begins a new audit file, and reads anew what the configuration names,
//  4. SIGTERM, SIGINT or the end of the context close the listener for clients; requests at
//     work are finished, [Grace] at most; a second signal kills the process,
//  5. what waits for the audit sink is stored, and the directory is unbound.
//
// Logs are JSON objects, one a line, on standard error.
package app
