// A Gin server on the socket that supervisord opened, and it leaves without dropping anybody.
package main

import (
	"context"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/gin-gonic/gin"
)

const (
	VERSION = "1"
	GRACE   = time.Second      // that an idle connection has to speak once more
	LIMIT   = 25 * time.Second // for answers under way
)

func main() {
	var leaving atomic.Bool

	gin.SetMode(gin.ReleaseMode)
	router := gin.New()
	router.Use(func(c *gin.Context) {
		if leaving.Load() {
			c.Header("Connection", "close")
		}
	})
	answer := func(c *gin.Context) {
		time.Sleep(10 * time.Millisecond)
		c.String(http.StatusOK, "version "+VERSION+"\n")
	}
	router.GET("/", answer)
	router.GET("/healthz", answer)

	listener, err := net.FileListener(os.Stdin)
	if err != nil {
		log.Fatal(err)
	}
	server := &http.Server{Handler: router}
	go func() {
		if err := server.Serve(listener); err != nil && !leaving.Load() {
			log.Fatal(err)
		}
	}()

	quit := make(chan os.Signal, 1)
	signal.Notify(quit, syscall.SIGINT, syscall.SIGTERM)
	<-quit
	leaving.Store(true)
	// Accept no more: on the shared socket the next process does. Shutdown and SetKeepAlivesEnabled(false) would
	// close idle connections, too, while a request may be on its way.
	listener.Close()
	time.Sleep(GRACE)
	ctx, cancel := context.WithTimeout(context.Background(), LIMIT)
	defer cancel()
	if err := server.Shutdown(ctx); err != nil {
		log.Fatal(err)
	}
}
