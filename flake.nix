{
  description = "QMK: what its development needs beside the packages of requirements.lock";

  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-25.11";

  outputs = { self, nixpkgs }:
    let
      systems = [ "x86_64-linux" "aarch64-linux" ];
      forEach = make: nixpkgs.lib.genAttrs systems (system: make nixpkgs.legacyPackages.${system});
    in
    {
      devShells = forEach (pkgs: {
        default = pkgs.mkShell {
          packages = [ pkgs.python311 pkgs.uv pkgs.rustc pkgs.cargo pkgs.clippy pkgs.rustfmt pkgs.gnumake pkgs.postgresql ];
          # the wheels of the lock look for these where other distributions have them
          LD_LIBRARY_PATH = pkgs.lib.makeLibraryPath [ pkgs.stdenv.cc.cc.lib pkgs.zlib ];
        };
      });
    };
}
