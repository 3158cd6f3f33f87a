// A link to a server far away: link PORT TARGET ROUND_TRIP BYTES_A_SECOND, such as link 9000 127.0.0.1:9001 20ms 125000000
//
// Every byte is late by half a round trip, and all connections share the bytes a second, each way apart. A new connection
// costs a round trip more, as the handshake does. What is on its way is bounded as by TCP's window.
package main

import (
	"log"
	"net"
	"os"
	"strconv"
	"sync"
	"time"
)

const (
	segment = 64 << 10
	window  = 4 << 20 // bytes of a connection that are on their way: more than the link has in a round trip
)

// One way of the link. Segments leave one after the other.
type way struct {
	rate  float64
	delay time.Duration
	lock  sync.Mutex
	free  time.Time
}

// When so many bytes that are there now arrive.
func (it *way) arrival(bytes int) time.Time {
	it.lock.Lock()
	defer it.lock.Unlock()
	if now := time.Now(); it.free.Before(now) {
		it.free = now
	}
	it.free = it.free.Add(time.Duration(float64(bytes) / it.rate * float64(time.Second)))
	return it.free.Add(it.delay)
}

type sent struct {
	bytes []byte
	due   time.Time
}

var buffers = sync.Pool{New: func() any { return make([]byte, segment) }}

func (it *way) carry(from, to net.Conn) {
	flying := make(chan sent, window/segment)
	go func() {
		defer close(flying)
		for {
			buffer := buffers.Get().([]byte)
			count, err := from.Read(buffer)
			if count > 0 {
				flying <- sent{buffer[:count], it.arrival(count)}
			}
			if err != nil {
				return
			}
		}
	}()
	broken := false
	for one := range flying {
		time.Sleep(time.Until(one.due))
		if !broken {
			_, err := to.Write(one.bytes)
			broken = err != nil
		}
		if broken {
			from.Close()
		}
		buffers.Put(one.bytes[:segment]) //nolint:staticcheck // a slice of 24 bytes is boxed for 64 KiB
	}
	if half, ok := to.(interface{ CloseWrite() error }); ok {
		half.CloseWrite()
	}
}

func main() {
	target := os.Args[2]
	roundTrip := must(time.ParseDuration(os.Args[3]))
	rate := must(strconv.ParseFloat(os.Args[4], 64))
	up := &way{rate: rate, delay: roundTrip / 2}
	down := &way{rate: rate, delay: roundTrip / 2}
	listener := must(net.Listen("tcp", "127.0.0.1:"+os.Args[1]))
	for {
		client := must(listener.Accept())
		go func() {
			time.Sleep(roundTrip)
			serve(client, target, up, down)
		}()
	}
}

func serve(client net.Conn, target string, up, down *way) {
	defer client.Close()
	server, err := net.Dial("tcp", target)
	if err != nil {
		return
	}
	defer server.Close()
	var both sync.WaitGroup
	both.Add(2)
	go func() { defer both.Done(); up.carry(client, server) }()
	go func() { defer both.Done(); down.carry(server, client) }()
	both.Wait()
}

func must[T any](value T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return value
}

