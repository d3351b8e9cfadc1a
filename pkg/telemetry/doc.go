// Package telemetry shows what the rooms count, in the text format of Prometheus. It is the
// only room that knows the Prometheus client library.
//
// [New] makes a [Metrics] with a registry of its own. It is told of requests as they end
// (it is an httpserver.Tracer), and asks the other rooms for their counts when somebody
// looks ([Metrics.WriteText]): nothing is gathered in between, and nobody waits for it.
//
// Labels have few values, which are known beforehand: methods, classes of statuses, keys of
// the configuration, the servers of the directory. No label holds a caller, a DN, an id or
// an address of a client.
package telemetry
