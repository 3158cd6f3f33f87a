// Packs objects of an S3 store into one ZIP there, with archive/zip and minio-go.
//
// Standard input has the work as JSON, standard output gets what it took. `serial` opens one object after the other and
// lets the uploader send parts meanwhile; `prefetch` also has many ranges ahead of the archive in memory.
package main

import (
	"archive/zip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

const (
	mib         = 1 << 20
	partSize    = 8 * mib
	partsAtOnce = 4
	rangeSize   = 8 * mib
	rangesAhead = 64
	ahead       = 64 * mib // bytes that may be in memory ahead of the archive
)

type file struct {
	Key  string `json:"key"`
	Name string `json:"name"`
	Size int64  `json:"size"`
}

type work struct {
	Endpoint  string `json:"endpoint"`
	AccessKey string `json:"accessKey"`
	SecretKey string `json:"secretKey"`
	Region    string `json:"region"`
	Bucket    string `json:"bucket"`
	Target    string `json:"target"`
	Files     []file `json:"files"`
}

type effort struct {
	Seconds float64 `json:"seconds"`
	CPU     float64 `json:"cpu"`
	Peak    int64   `json:"peak"`
}

func main() {
	var todo work
	must(json.NewDecoder(os.Stdin).Decode(&todo))
	client := connect(todo)
	fill := map[string]filler{"serial": serial, "prefetch": prefetch}[os.Args[1]]
	began, before := time.Now(), cpu()
	pack(client, todo, fill)
	spent := effort{time.Since(began).Seconds(), cpu() - before, peak()}
	must(json.NewEncoder(os.Stdout).Encode(spent))
}

func connect(todo work) *minio.Client {
	address, secure := strings.CutPrefix(todo.Endpoint, "https://")
	transport, err := minio.DefaultTransport(secure)
	must(err)
	transport.MaxIdleConnsPerHost = rangesAhead + partsAtOnce
	client, err := minio.New(strings.TrimPrefix(address, "http://"), &minio.Options{
		Creds:     credentials.NewStaticV4(todo.AccessKey, todo.SecretKey, ""),
		Secure:    secure,
		Region:    todo.Region,
		Transport: transport,
	})
	must(err)
	return client
}

type filler func(*minio.Client, work, *zip.Writer)

func pack(client *minio.Client, todo work, fill filler) {
	reader, writer := io.Pipe()
	go func() {
		archive := zip.NewWriter(writer)
		fill(client, todo, archive)
		must(archive.Close())
		must(writer.Close())
	}()
	_, err := client.PutObject(context.Background(), todo.Bucket, todo.Target, reader, -1, minio.PutObjectOptions{
		ContentType:           "application/zip",
		PartSize:              partSize,
		NumThreads:            partsAtOnce,
		ConcurrentStreamParts: true,
		DisableContentSha256:  true, // as Haulage does: TLS guards the bytes on their way
	})
	must(err)
}

func entry(archive *zip.Writer, one file) io.Writer {
	writer, err := archive.CreateHeader(&zip.FileHeader{Name: one.Name, Method: zip.Store, Modified: time.Now()})
	must(err)
	return writer
}

func serial(client *minio.Client, todo work, archive *zip.Writer) {
	buffer := make([]byte, mib)
	for _, one := range todo.Files {
		object := open(client, todo.Bucket, one.Key, 0, one.Size)
		_, err := io.CopyBuffer(struct{ io.Writer }{entry(archive, one)}, struct{ io.Reader }{object}, buffer)
		must(err)
		must(object.Close())
	}
}

// A range of a file that is being read, or has been.
type part struct {
	file  int
	bytes chan []byte
}

func prefetch(client *minio.Client, todo work, archive *zip.Writer) {
	parts := make(chan part, rangesAhead)
	room := make(chan struct{}, ahead/rangeSize*16) // in sixteenths of a range
	go func() {
		defer close(parts)
		for number, one := range todo.Files {
			for start := int64(0); start < max(one.Size, 1); start += rangeSize {
				stop := min(start+rangeSize, one.Size)
				for range units(stop - start) {
					room <- struct{}{}
				}
				it := part{number, make(chan []byte, 1)}
				go func() { it.bytes <- read(client, todo.Bucket, one.Key, start, stop) }()
				parts <- it
			}
		}
	}()
	var writer io.Writer
	current := -1
	for it := range parts {
		if it.file != current {
			current, writer = it.file, entry(archive, todo.Files[it.file])
		}
		bytes := <-it.bytes
		_, err := writer.Write(bytes)
		must(err)
		for range units(int64(len(bytes))) {
			<-room
		}
	}
}

func units(size int64) int64 {
	const unit = rangeSize / 16
	return (size + unit - 1) / unit
}

func read(client *minio.Client, bucket, key string, start, stop int64) []byte {
	bytes := make([]byte, stop-start)
	if start == stop {
		return bytes
	}
	object := open(client, bucket, key, start, stop)
	defer object.Close()
	_, err := io.ReadFull(object, bytes)
	must(err)
	return bytes
}

// One GET, and nothing before it: Client.GetObject would start a goroutine that may ask more than once.
func open(client *minio.Client, bucket, key string, start, stop int64) io.ReadCloser {
	options := minio.GetObjectOptions{}
	if stop > start {
		must(options.SetRange(start, stop-1))
	}
	core := minio.Core{Client: client}
	object, _, _, err := core.GetObject(context.Background(), bucket, key, options)
	must(err)
	return object
}

func cpu() float64 {
	var used syscall.Rusage
	must(syscall.Getrusage(syscall.RUSAGE_SELF, &used))
	return time.Duration(used.Utime.Nano() + used.Stime.Nano()).Seconds()
}

// Bytes that were resident at most.
func peak() int64 {
	status, err := os.ReadFile("/proc/self/status")
	must(err)
	var kib int64
	_, after, _ := strings.Cut(string(status), "VmHWM:")
	_, err = fmt.Sscan(after, &kib)
	must(err)
	return kib * 1024
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
