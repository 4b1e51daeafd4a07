# A daemon with its gateway, and a second gateway, as a job of Nomad. Its volume is a host volume or one of CSI with the
# name "qmk"; secrets are the Nomad variables "database" and "observe" at nomad/jobs/qmk. How to fill both:
# docs/howto/deploy.md
variable "image" {
  type        = string
  description = "The image by its digest, such as registry.example.org/qmk@sha256:..."
  validation {
    condition     = length(regexall("@sha256:[0-9a-f]{64}$", var.image)) == 1
    error_message = "Name the image by its digest: NAME@sha256:DIGEST."
  }
}

variable "datacenters" {
  type    = list(string)
  default = ["*"]
}

job "qmk" {
  type        = "service"
  datacenters = var.datacenters

  # one kernel decides: during an update and a reschedule the next one stands by until this one has ended
  update {
    max_parallel     = 1
    health_check     = "checks"
    min_healthy_time = "10s"
    healthy_deadline = "5m"
    auto_revert      = true
  }

  group "qmk" {
    count = 1

    network {
      port "http" {
        to = 8451
      }
      port "second" {
        to = 8451
      }
    }

    volume "state" {
      type            = "host"
      source          = "qmk"
      access_mode     = "single-node-writer"
      attachment_mode = "file-system"
    }

    restart {
      attempts = 10
      interval = "5m"
      delay    = "1s"
      mode     = "delay"
    }

    service {
      name     = "qmk"
      provider = "nomad"
      port     = "http"
      check {
        type     = "http"
        path     = "/ready"
        interval = "10s"
        timeout  = "5s"
      }
    }

    # callers find both gateways under one name: accounts are in the database, and either serves everybody
    service {
      name     = "qmk"
      provider = "nomad"
      port     = "second"
      check {
        type     = "http"
        path     = "/ready"
        interval = "10s"
        timeout  = "5s"
      }
    }

    task "daemon" {
      driver       = "docker"
      user         = "65532:65532"
      kill_signal  = "SIGTERM"
      kill_timeout = "30s"

      config {
        image           = var.image
        ports           = ["http"]
        readonly_rootfs = true
        cap_drop        = ["all"]
        security_opt    = ["no-new-privileges:true"]
        pids_limit      = 512
        args = [
          "serve",
          "--http=0.0.0.0:8451",
          "--standby",
          "--require-token",
          "--socket=/alloc/data/qmk/qmk.sock",
          "--data-dir=/var/lib/qmk/state",
          "--database-file=/secrets/database",
          "--observe-token-file=/secrets/observe",
          "--durability=power",
          "--log-format=json",
          "--verbose",
        ]
        mount {
          type   = "tmpfs"
          target = "/tmp"
          tmpfs_options {
            mode = 1023
            size = 268435456
          }
        }
      }

      volume_mount {
        volume      = "state"
        destination = "/var/lib/qmk"
      }

      template {
        data        = "{{ with nomadVar \"nomad/jobs/qmk\" }}{{ .database }}{{ end }}"
        destination = "secrets/database"
        perms       = "0400"
        uid         = 65532
        gid         = 65532
        change_mode = "restart"
      }

      template {
        data        = "{{ with nomadVar \"nomad/jobs/qmk\" }}{{ .observe }}{{ end }}"
        destination = "secrets/observe"
        perms       = "0400"
        uid         = 65532
        gid         = 65532
        change_mode = "restart"
      }

      resources {
        cpu    = 2000
        memory = 8192
      }
    }

    task "gateway" {
      driver       = "docker"
      user         = "65532:65532"
      kill_signal  = "SIGTERM"
      kill_timeout = "30s"

      config {
        image           = var.image
        ports           = ["second"]
        readonly_rootfs = true
        cap_drop        = ["all"]
        security_opt    = ["no-new-privileges:true"]
        pids_limit      = 256
        args = [
          "gateway",
          "--host=0.0.0.0",
          "--port=8451",
          "--require-token",
          "--socket=/alloc/data/qmk/qmk.sock",
          "--data-dir=/var/lib/qmk/state",
          "--database-file=/secrets/database",
          "--observe-token-file=/secrets/observe",
          "--log-format=json",
          "--verbose",
        ]
        mount {
          type   = "tmpfs"
          target = "/tmp"
          tmpfs_options {
            mode = 1023
            size = 67108864
          }
        }
      }

      volume_mount {
        volume      = "state"
        destination = "/var/lib/qmk"
      }

      template {
        data        = "{{ with nomadVar \"nomad/jobs/qmk\" }}{{ .database }}{{ end }}"
        destination = "secrets/database"
        perms       = "0400"
        uid         = 65532
        gid         = 65532
        change_mode = "restart"
      }

      template {
        data        = "{{ with nomadVar \"nomad/jobs/qmk\" }}{{ .observe }}{{ end }}"
        destination = "secrets/observe"
        perms       = "0400"
        uid         = 65532
        gid         = 65532
        change_mode = "restart"
      }

      resources {
        cpu    = 1000
        memory = 1024
      }
    }
  }
}
