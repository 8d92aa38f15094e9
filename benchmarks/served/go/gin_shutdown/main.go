// A Gin server on the socket that supervisord opened. It leaves as Gin's documentation says: Shutdown on TERM.
package main

import (
	"context"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/gin-gonic/gin"
)

const VERSION = "1"

func main() {
	gin.SetMode(gin.ReleaseMode)
	router := gin.New()
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
		if err := server.Serve(listener); err != http.ErrServerClosed {
			log.Fatal(err)
		}
	}()

	quit := make(chan os.Signal, 1)
	signal.Notify(quit, syscall.SIGINT, syscall.SIGTERM)
	<-quit
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := server.Shutdown(ctx); err != nil {
		log.Fatal(err)
	}
}
