# For the scripts beside it that start a real agent: what would freeze, stop or change this machine is blocked.
blocked=guest-shutdown,guest-suspend-disk,guest-suspend-ram,guest-suspend-hybrid,guest-fsfreeze-freeze
blocked+=,guest-fsfreeze-freeze-list,guest-set-time,guest-set-user-password,guest-set-vcpus,guest-set-memory-blocks
blocked+=,guest-fstrim
