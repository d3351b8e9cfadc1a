// Package toxic is a way to a server that can be made bad: slow, cut off, or silent. It is
// toxiproxy, in this process, in front of a real directory.
//
//	way := toxic.New(t, server.Address)
//	…  // connect to way.URL
//	way.Add(toxic.Downstream, "limit_data", map[string]any{"bytes": 0})
//	…  // the next answer does not arrive, and the connection ends
//	way.Clear()
package toxic
